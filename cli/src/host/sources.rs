//! Which files an earlier process read.
//!
//! The code of a file is kept under a hash of its contents. That hash is kept too, under the file's path and
//! [status](super::status), so a file that nobody changed is found to be the same without being opened.

use super::contents_at;
use super::status::status_key;
use nivis_eval::host::{CodeCache, HashedFile};
use std::cell::RefCell;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

/// The status of the regular file that was looked at last: evaluation looks at a file right before it reads it.
#[derive(Default)]
pub(super) struct LastFile(RefCell<Option<(PathBuf, Metadata)>>);

impl LastFile {
    /// Remembers a file that is no symlink.
    pub(super) fn set(&self, place: &Path, metadata: Metadata) {
        self.0.replace(Some((place.to_owned(), metadata)));
    }

    /// The status of a file, if it is the last one. It is good for one use.
    pub(super) fn take(&self, place: &Path) -> Option<Metadata> {
        let (last, metadata) = self.0.take()?;
        (last == place).then_some(metadata)
    }
}

/// What tells a file of that status apart from others, from the cache if it has that.
pub(super) fn hashed(cache: &dyn CodeCache, place: &Path, metadata: &Metadata) -> io::Result<HashedFile> {
    let read_now = || contents_at(place, Some(metadata.len())).map(HashedFile::of);
    // The status is older than the contents: should the file change in between, nobody finds them under it.
    let Some(key) = status_key("file", place, metadata) else {
        return read_now();
    };
    if let Some(file) = cache.find(&key).and_then(|kept| read(&kept)) {
        return Ok(file);
    }
    let file = read_now()?;
    cache.keep(&key, write(&file));
    Ok(file)
}

/// The hash and the length.
fn write(file: &HashedFile) -> Vec<u8> {
    [file.hash.as_slice(), &(file.length as u64).to_le_bytes()].concat()
}

/// The file that was written. `None` if this is none.
fn read(text: &[u8]) -> Option<HashedFile> {
    let (hash, length) = text.split_first_chunk()?;
    Some(HashedFile {
        hash: *hash,
        length: usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?,
        contents: None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::status::tests::settle;
    use super::*;
    use nivis_eval::host::{MemoryCode, hash_contents};
    use std::fs::{self, File, FileTimes};
    use std::os::unix::fs::symlink;

    fn look(cache: &MemoryCode, place: &Path) -> (bool, usize, [u8; 32]) {
        let metadata = fs::metadata(place).expect("a file");
        let file = hashed(cache, place, &metadata).expect("a file");
        (file.contents.is_some(), file.length, file.hash)
    }

    #[test]
    fn files_are_known_until_they_change() {
        let scratch = tempfile::tempdir().expect("a folder");
        let file = scratch.path().join("file");
        let link = scratch.path().join("link");
        let cache = MemoryCode::default();
        fs::write(&file, "first").expect("written");
        symlink("file", &link).expect("made");
        let first = hash_contents(b"first");
        // What has just changed is read each time.
        for _ in 0..2 {
            assert_eq!(look(&cache, &file), (true, 5, first));
        }
        assert!(cache.is_empty());
        settle();
        // Nothing is kept of files whose status says nothing, as on the file systems of networks.
        let status = fs::metadata(&file).expect("a file");
        let is_kept = status_key("file", &file, &status).is_some();
        for place in [&file, &link] {
            assert_eq!(look(&cache, place), (true, 5, first));
            assert_eq!(look(&cache, place), (!is_kept, 5, first));
        }
        let times = fs::metadata(&file).expect("a file");
        let times = FileTimes::new().set_modified(times.modified().expect("a time"));
        fs::write(&file, "other").expect("written");
        let opened = File::options().write(true).open(&file).expect("a file");
        opened.set_times(times).expect("set");
        for place in [&file, &link] {
            assert_eq!(look(&cache, place), (true, 5, hash_contents(b"other")));
        }
        fs::remove_file(&file).expect("removed");
        assert!(hashed(&MemoryCode::default(), &file, &status).is_err());
        let folder = fs::metadata(scratch.path()).expect("a folder");
        assert!(hashed(&cache, scratch.path(), &folder).is_err());
    }

    #[test]
    fn what_is_no_file_is_not_read() {
        let text = write(&HashedFile::of(b"contents".to_vec()));
        let file = read(&text).expect("a file");
        assert_eq!((file.length, file.hash), (8, hash_contents(b"contents")));
        for broken in [&text[..text.len() - 1], &text[..3], &[]] {
            assert!(read(broken).is_none());
        }
    }
}
