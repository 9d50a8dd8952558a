//! What is in folders, as an earlier process found it.
//!
//! nixpkgs has 700 folders that are read for any package; the system needs longer to read one than to tell its status.
//! A listing is kept in the cache of code under the folder's path and [status](super::status), so it is found for as long
//! as nothing was added to the folder, removed from it or renamed.

use super::status::status_key;
use super::{FileType, entries_at};
use nivis_eval::host::CodeCache;
use std::fs::Metadata;
use std::io;
use std::path::Path;

type Entries = Vec<(Vec<u8>, FileType)>;

const TYPES: [FileType; 4] = [
    FileType::Regular,
    FileType::Directory,
    FileType::Symlink,
    FileType::Unknown,
];

/// What is in a folder of that status, from the cache if it has that.
pub(super) fn entries(cache: &dyn CodeCache, place: &Path, metadata: &Metadata) -> io::Result<Entries> {
    let Some(key) = status_key("folder", place, metadata) else {
        return entries_at(place);
    };
    if let Some(entries) = cache.find(&key).and_then(|kept| read(&kept)) {
        return Ok(entries);
    }
    let entries = entries_at(place)?;
    if let Some(text) = write(&entries) {
        cache.keep(&key, text);
    }
    Ok(entries)
}

/// Each entry is its type, the length of its name, and the name. `None` if a name is longer than names are on Linux.
fn write(entries: &Entries) -> Option<Vec<u8>> {
    let mut text = vec![];
    for (name, kind) in entries {
        let kind = TYPES.iter().position(|known| known == kind)?;
        text.push(u8::try_from(kind).ok()?);
        text.push(u8::try_from(name.len()).ok()?);
        text.extend_from_slice(name);
    }
    Some(text)
}

/// The entries that were written. `None` if these are none.
fn read(mut text: &[u8]) -> Option<Entries> {
    let mut entries = vec![];
    while let [kind, len, rest @ ..] = text {
        let (name, rest) = rest.split_at_checked(usize::from(*len))?;
        entries.push((name.to_vec(), *TYPES.get(usize::from(*kind))?));
        text = rest;
    }
    text.is_empty().then_some(entries)
}

#[cfg(test)]
mod tests {
    use super::super::status::tests::settle;
    use super::*;
    use nivis_eval::host::MemoryCode;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn entries(cache: &MemoryCode, place: &Path) -> io::Result<Entries> {
        super::entries(cache, place, &fs::metadata(place)?)
    }

    fn sorted(entries: io::Result<Entries>) -> Vec<(Vec<u8>, &'static str)> {
        let mut entries: Vec<_> = entries
            .expect("a folder")
            .into_iter()
            .map(|(name, kind)| (name, kind.name()))
            .collect();
        entries.sort();
        entries
    }

    #[test]
    fn listings_are_kept_until_the_folder_changes() {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = scratch.path();
        let cache = MemoryCode::default();
        let changes: [&dyn Fn(); 5] = [
            &|| fs::write(folder.join("file"), "").expect("written"),
            &|| fs::create_dir(folder.join("folder")).expect("made"),
            &|| symlink("nowhere", folder.join("link")).expect("made"),
            &|| fs::rename(folder.join("file"), folder.join("elif")).expect("renamed"),
            &|| {
                fs::remove_dir(folder.join("folder")).expect("removed");
                fs::write(folder.join("folder"), "").expect("written");
            },
        ];
        for change in changes {
            change();
            // What has just changed is not kept.
            assert_eq!(sorted(entries(&cache, folder)), sorted(entries_at(folder)));
            assert!(cache.is_empty());
        }
        settle();
        let expected = sorted(entries_at(folder));
        assert_eq!(sorted(entries(&cache, folder)), expected);
        assert_eq!(cache.found(), 0);
        assert_eq!(sorted(entries(&cache, folder)), expected);
        // Nothing is kept of folders whose status says nothing, as on the file systems of networks.
        let status = fs::metadata(folder).expect("a folder");
        let found = usize::from(status_key("folder", folder, &status).is_some());
        assert_eq!(cache.found(), found);
        fs::remove_file(folder.join("elif")).expect("removed");
        assert_eq!(sorted(entries(&cache, folder)), sorted(entries_at(folder)));
        assert_eq!(cache.found(), found);
    }

    #[test]
    fn what_is_no_listing_is_not_read() {
        let entries = vec![
            (b"a".to_vec(), FileType::Regular),
            (vec![0xff; 255], FileType::Symlink),
        ];
        let text = write(&entries).expect("short names");
        assert_eq!(read(&text).as_ref(), Some(&entries));
        assert_eq!(read(&[]), Some(vec![]));
        for broken in [&text[..text.len() - 1], &text[..1], &[4, 0][..]] {
            assert_eq!(read(broken), None);
        }
        assert_eq!(write(&vec![(vec![b'a'; 256], FileType::Regular)]), None);
    }
}
