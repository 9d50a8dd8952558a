//! Texts that are rarely read again: those of the derivations that read-only evaluation computed. They go to a
//! temporary file without a name, because those of a NixOS system take 12 MB and `import` of one wants a few.

use nivis_store::path::StorePath;
use rustc_hash::FxHashMap;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// So many bytes are written at once.
const PENDING: usize = 256 << 10;

/// Texts by their store path.
#[derive(Default)]
pub(super) struct Texts {
    places: FxHashMap<StorePath, Place>,
    file: Option<File>,
    /// How many bytes the file has.
    written: u64,
    /// What is not in the file yet; everything, if it cannot be written.
    pending: Vec<u8>,
    broken: bool,
}

struct Place {
    start: u64,
    len: usize,
}

impl Texts {
    pub(super) fn contains(&self, path: &StorePath) -> bool {
        self.places.contains_key(path)
    }

    pub(super) fn insert(&mut self, path: StorePath, text: &[u8]) {
        let place = Place {
            start: self.written + self.pending.len() as u64,
            len: text.len(),
        };
        self.pending.extend_from_slice(text);
        self.places.insert(path, place);
        if self.pending.len() >= PENDING && !self.broken {
            self.broken = self.write().is_err();
        }
    }

    fn write(&mut self) -> std::io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => tempfile::tempfile()?,
        };
        let result = file.write_all_at(&self.pending, self.written);
        self.file = Some(file);
        result?;
        self.written += self.pending.len() as u64;
        self.pending.clear();
        Ok(())
    }

    /// The text, or why it could not be read again.
    pub(super) fn get(&self, path: &StorePath) -> Option<std::io::Result<Vec<u8>>> {
        let place = self.places.get(path)?;
        let mut text = vec![0; place.len];
        let read = match (place.start.checked_sub(self.written), &self.file) {
            (Some(start), _) => {
                let start = start as usize;
                text.copy_from_slice(&self.pending[start..start + place.len]);
                Ok(())
            }
            (None, Some(file)) => file.read_exact_at(&mut text, place.start),
            (None, None) => Err(std::io::ErrorKind::NotFound.into()),
        };
        Some(read.map(|()| text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_again() {
        let mut texts = Texts::default();
        let path = |i: u8| StorePath::from_digest(&[i; 20], "x.drv").expect("a valid name");
        let text = |i: u8| vec![i; 10_000 * usize::from(i)];
        for i in 0..21 {
            texts.insert(path(i), &text(i));
        }
        assert!(texts.file.is_some() && !texts.pending.is_empty());
        for i in 0..21 {
            assert_eq!(texts.get(&path(i)).expect("known").expect("readable"), text(i));
        }
        assert!(texts.get(&path(21)).is_none() && !texts.contains(&path(21)));
    }
}
