//! Finding store paths in data, and hashing data that names its own path.
//!
//! A reference is the hash part of a path, wherever it stands; nothing else of a path is looked at.

use std::collections::BTreeSet;
use std::io::{self, Write};

use rustc_hash::FxHashMap;

use crate::base32;
use crate::hash::{Hash, HashAlgorithm, Hasher};
use crate::path::{HASH_PART_LEN, StorePath};

type HashPart = [u8; HASH_PART_LEN];

/// The hash part of a path as bytes.
fn hash_part(path: &StorePath) -> HashPart {
    let mut part = [0; HASH_PART_LEN];
    part.copy_from_slice(path.hash_part().as_bytes());
    part
}

/// Finds what may be hash parts in a stream, also across the pieces that it comes in.
#[derive(Debug, Default)]
struct Windows {
    /// The end of the data so far: a hash part may begin there.
    tail: Vec<u8>,
}

impl Windows {
    /// Look at more data; `see` is told of all that may be a hash part.
    fn update(&mut self, data: &[u8], mut see: impl FnMut(&[u8])) {
        let overlap = data.len().min(HASH_PART_LEN - 1);
        let mut seam = std::mem::take(&mut self.tail);
        seam.extend_from_slice(&data[..overlap]);
        Self::search(&seam, &mut see);
        Self::search(data, &mut see);
        if data.len() >= HASH_PART_LEN {
            seam.clear();
            seam.extend_from_slice(&data[data.len() - (HASH_PART_LEN - 1)..]);
        } else {
            seam.drain(..seam.len().saturating_sub(HASH_PART_LEN - 1));
        }
        self.tail = seam;
    }

    fn search(data: &[u8], see: &mut impl FnMut(&[u8])) {
        let mut start = 0;
        while let Some(window) = data.get(start..start + HASH_PART_LEN) {
            // From the end: what is no digit rules out all places before it at once.
            if let Some(other) = window.iter().rposition(|byte| !base32::is_digit(*byte)) {
                start += other + 1;
                continue;
            }
            see(window);
            start += 1;
        }
    }
}

/// Looks for some store paths in a stream.
#[derive(Debug)]
pub struct ReferenceScanner {
    /// What is not found yet.
    wanted: FxHashMap<HashPart, StorePath>,
    found: BTreeSet<StorePath>,
    windows: Windows,
}

impl ReferenceScanner {
    /// Look for those paths.
    pub fn new(wanted: impl IntoIterator<Item = StorePath>) -> Self {
        ReferenceScanner {
            wanted: wanted.into_iter().map(|path| (hash_part(&path), path)).collect(),
            found: BTreeSet::new(),
            windows: Windows::default(),
        }
    }

    /// Look at more data.
    pub fn update(&mut self, data: &[u8]) {
        let (wanted, found) = (&mut self.wanted, &mut self.found);
        self.windows.update(data, |window| {
            if let Some(path) = wanted.remove(window) {
                found.insert(path);
            }
        });
    }

    /// What was found.
    pub fn finish(self) -> BTreeSet<StorePath> {
        self.found
    }
}

impl Write for ReferenceScanner {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All paths of a store, to be looked for in many streams.
#[cfg(feature = "db")]
#[derive(Debug)]
pub(crate) struct KnownPaths(FxHashMap<HashPart, StorePath>);

#[cfg(feature = "db")]
impl KnownPaths {
    pub(crate) fn new(paths: impl IntoIterator<Item = StorePath>) -> Self {
        KnownPaths(paths.into_iter().map(|path| (hash_part(&path), path)).collect())
    }
}

/// Looks for all paths of a store in a stream.
#[cfg(feature = "db")]
#[derive(Debug)]
pub(crate) struct KnownScanner<'k> {
    known: &'k KnownPaths,
    found: BTreeSet<StorePath>,
    windows: Windows,
}

#[cfg(feature = "db")]
impl<'k> KnownScanner<'k> {
    pub(crate) fn new(known: &'k KnownPaths) -> Self {
        KnownScanner {
            known,
            found: BTreeSet::new(),
            windows: Windows::default(),
        }
    }

    /// Look at more data.
    pub(crate) fn update(&mut self, data: &[u8]) {
        let (known, found) = (&self.known.0, &mut self.found);
        self.windows.update(data, |window| {
            if let Some(path) = known.get(window) {
                found.insert(path.clone());
            }
        });
    }

    /// What was found.
    pub(crate) fn finish(self) -> BTreeSet<StorePath> {
        self.found
    }
}

/// Hashes a stream as if each occurrence of a hash part were zeros, so that the contents of a path that
/// refers to itself can have a hash that does not depend on the path.
///
/// (C++ Nix means to hash the places of the occurrences too, but at 2.34 does not.)
#[derive(Debug)]
pub struct SelfReferenceHasher {
    hasher: Hasher,
    part: HashPart,
    /// What may be the beginning of an occurrence.
    held: Vec<u8>,
    /// How many bytes came before those held.
    position: u64,
}

impl SelfReferenceHasher {
    /// Hash a stream that may name `path`.
    pub fn new(algorithm: HashAlgorithm, path: &StorePath) -> Self {
        SelfReferenceHasher {
            hasher: Hasher::new(algorithm),
            part: hash_part(path),
            held: Vec::new(),
            position: 0,
        }
    }

    /// Take in more data.
    pub fn update(&mut self, data: &[u8]) {
        self.held.extend_from_slice(data);
        let mut from = 0;
        while let Some(offset) = memchr::memmem::find(&self.held[from..], &self.part) {
            let place = from + offset;
            self.held[place..place + HASH_PART_LEN].fill(0);
            from = place + HASH_PART_LEN;
        }
        let keep = HASH_PART_LEN - 1;
        if self.held.len() > keep {
            let done = self.held.len() - keep;
            self.hasher.update(&self.held[..done]);
            self.held.drain(..done);
            self.position += done as u64;
        }
    }

    /// The hash, and the size of the stream.
    pub fn finish(mut self) -> (Hash, u64) {
        self.hasher.update(&self.held);
        let size = self.position + self.held.len() as u64;
        (self.hasher.finish(), size)
    }
}

impl Write for SelfReferenceHasher {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(digit: char) -> StorePath {
        StorePath::from_base_name(digit.to_string().repeat(32) + "-x").unwrap()
    }

    #[test]
    fn references_are_found_wherever_the_data_is_cut() {
        let wanted = [path('a'), path('b'), path('c')];
        let text = format!(
            "xx/nix/store/{}-x and 0{}0\0{}",
            path('a').hash_part(),
            path('b').hash_part(),
            &path('c').hash_part()[1..]
        );
        for size in 1..text.len() {
            let mut scanner = ReferenceScanner::new(wanted.clone());
            for piece in text.as_bytes().chunks(size) {
                scanner.update(piece);
            }
            assert_eq!(
                scanner.finish(),
                [path('a'), path('b')].into(),
                "pieces of {size}"
            );
        }
        assert!(ReferenceScanner::new(wanted).finish().is_empty());
    }

    #[test]
    fn self_references_count_as_zeros() {
        let own = path('s');
        let text = format!("a{0}b{0}{0}c{1}", own.hash_part(), &own.hash_part()[..31]);
        let zeros = "\0".repeat(32);
        let expected = format!("a{zeros}b{zeros}{zeros}c{}", &own.hash_part()[..31]);
        let expected = (Hash::sha256(expected.as_bytes()), text.len() as u64);
        for size in 1..text.len() {
            let mut hasher = SelfReferenceHasher::new(HashAlgorithm::Sha256, &own);
            for piece in text.as_bytes().chunks(size) {
                hasher.update(piece);
            }
            assert_eq!(hasher.finish(), expected, "pieces of {size}");
        }
    }
}
