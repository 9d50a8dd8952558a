//! Putting strings of the same length in place of others: placeholders of outputs, hash parts of paths.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use nivis_store::nar::{self, NarError, NarSink};

/// What is replaced by what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rewrites(BTreeMap<Vec<u8>, Vec<u8>>);

impl Rewrites {
    pub(crate) fn insert(&mut self, from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) {
        let (from, to) = (from.into(), to.into());
        if from != to {
            self.0.insert(from, to);
        }
    }

    pub(crate) fn get(&self, from: &[u8]) -> Option<&[u8]> {
        self.0.get(from).map(Vec::as_slice)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One after another, each wherever it is in the text.
    pub(crate) fn apply(&self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        for (from, to) in &self.0 {
            let mut start = 0;
            while let Some(offset) = memchr::memmem::find(&text[start..], from) {
                let place = start + offset;
                text.splice(place..place + from.len(), to.iter().copied());
                start = place + to.len();
            }
        }
        text
    }

    /// Copy a tree, rewriting contents and the targets of symlinks; lengths stay, so all strings must be of
    /// one length.
    pub(crate) fn copy_tree(&self, from: &Path, to: &Path) -> Result<(), NarError> {
        let mut sink = RewritingSink {
            rewrites: self,
            length: self.0.keys().map(Vec::len).max().unwrap_or(0),
            held: Vec::new(),
            inner: nar::Restorer::new(to),
        };
        nar::walk(from, &mut sink, nar::accept_all)
    }
}

/// Rewrites what goes through it, also where a string is cut by the pieces that come.
struct RewritingSink<'a, S> {
    rewrites: &'a Rewrites,
    length: usize,
    /// The end of the file so far, where a string may begin.
    held: Vec<u8>,
    inner: S,
}

impl<S: NarSink> NarSink for RewritingSink<'_, S> {
    fn begin_directory(&mut self, name: &[u8]) -> Result<(), NarError> {
        self.inner.begin_directory(name)
    }

    fn end_directory(&mut self) -> Result<(), NarError> {
        self.inner.end_directory()
    }

    fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), NarError> {
        self.inner.symlink(name, &self.rewrites.apply(target))
    }

    fn begin_file(&mut self, name: &[u8], executable: bool, size: u64) -> Result<(), NarError> {
        self.inner.begin_file(name, executable, size)
    }

    fn write(&mut self, data: &[u8]) -> Result<(), NarError> {
        self.held.extend_from_slice(data);
        self.held = self.rewrites.apply(&self.held);
        let done = self.held.len().saturating_sub(self.length.saturating_sub(1));
        self.inner.write(&self.held[..done])?;
        self.held.drain(..done);
        Ok(())
    }

    fn end_file(&mut self) -> Result<(), NarError> {
        let rest = std::mem::take(&mut self.held);
        self.inner.write(&rest)?;
        self.inner.end_file()
    }
}

/// Writes to two places.
pub(crate) struct Both<A, B>(pub(crate) A, pub(crate) B);

impl<A: Write, B: Write> Write for Both<A, B> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.write_all(data)?;
        self.1.write_all(data)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        self.1.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_rewritten_wherever_files_are_cut() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("b"));
        let mut contents = vec![b'x'; 64 * 1024 - 3];
        contents.extend_from_slice(b"abcdefg abcdefg");
        std::fs::create_dir(&from).unwrap();
        std::fs::write(from.join("file"), &contents).unwrap();
        std::os::unix::fs::symlink("to/abcdefg", from.join("link")).unwrap();
        let mut rewrites = Rewrites::default();
        rewrites.insert("abcdefg", "1234567");
        rewrites.copy_tree(&from, &to).unwrap();
        let found = std::fs::read(to.join("file")).unwrap();
        assert_eq!(found.len(), contents.len());
        assert!(found.ends_with(b"x1234567 1234567"));
        assert_eq!(
            std::fs::read_link(to.join("link")).unwrap(),
            Path::new("to/1234567")
        );
    }

    #[test]
    fn lengths_may_differ_in_texts() {
        let mut rewrites = Rewrites::default();
        rewrites.insert("/1abc", "/nix/store/x-y");
        assert_eq!(
            rewrites.apply(b"a=/1abc:/1abc"),
            b"a=/nix/store/x-y:/nix/store/x-y"
        );
    }
}
