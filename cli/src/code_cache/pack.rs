//! Packs: files with the code of many files, which are written once and never changed.
//!
//! `magic`, then the entries, each the code and its key; then the index, 16 bytes an entry, sorted by the start of the key;
//! then how many there are and a checksum of the index. Every entry has a checksum too.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// What an entry is found by: a hash.
pub(super) type Key = [u8; 32];

/// The start of a pack, with the version of its form.
const MAGIC: &[u8; 16] = b"nivis code 1\n\0\0\0";
const TAIL: usize = 8;
const INDEX_ENTRY: usize = 16;

/// Where an entry lies.
#[derive(Clone, Copy)]
struct Place {
    /// The first bytes of its key.
    prefix: u32,
    offset: u32,
    /// How long the code is.
    length: u32,
    checksum: u32,
}

impl Place {
    fn to_bytes(self) -> [u8; INDEX_ENTRY] {
        let mut bytes = [0; INDEX_ENTRY];
        let numbers = [self.prefix, self.offset, self.length, self.checksum];
        for (bytes, number) in bytes.chunks_exact_mut(4).zip(numbers) {
            bytes.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Place {
        let number = |i: usize| {
            let bytes = bytes[4 * i..].first_chunk().copied();
            u32::from_le_bytes(bytes.unwrap_or_default())
        };
        Place {
            prefix: number(0),
            offset: number(1),
            length: number(2),
            checksum: number(3),
        }
    }
}

fn prefix_of(key: &Key) -> u32 {
    u32::from_be_bytes([key[0], key[1], key[2], key[3]])
}

fn invalid(message: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// A pack that was opened.
pub(super) struct Pack {
    path: PathBuf,
    file: File,
    size: u64,
    index: Vec<u8>,
}

impl Pack {
    /// Opens a pack and reads its index. Fails if the pack is not whole.
    pub(super) fn open(path: PathBuf) -> io::Result<Pack> {
        let file = File::open(&path)?;
        let size = file.metadata()?.len();
        let too_short = || invalid("it is too short");
        let tail_at = size.checked_sub(TAIL as u64).ok_or_else(too_short)?;
        let mut tail = [0; TAIL];
        file.read_exact_at(&mut tail, tail_at)?;
        let number = |at: usize| u32::from_le_bytes([tail[at], tail[at + 1], tail[at + 2], tail[at + 3]]);
        let length = u64::from(number(0)) * INDEX_ENTRY as u64;
        let index_at = tail_at.checked_sub(length).ok_or_else(too_short)?;
        let mut index = vec![0; length as usize];
        file.read_exact_at(&mut index, index_at)?;
        let mut magic = [0; MAGIC.len()];
        file.read_exact_at(&mut magic, 0)?;
        if magic != *MAGIC || number(4) != crc32fast::hash(&index) {
            return Err(invalid("it is no pack, or a broken one"));
        }
        Ok(Pack {
            path,
            file,
            size,
            index,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    fn places(&self) -> impl Iterator<Item = Place> {
        self.index.chunks_exact(INDEX_ENTRY).map(Place::from_bytes)
    }

    fn place(&self, i: usize) -> Option<Place> {
        let bytes = self.index.get(i * INDEX_ENTRY..(i + 1) * INDEX_ENTRY)?;
        Some(Place::from_bytes(bytes))
    }

    /// The code of a key. What does not match its checksum is not there.
    pub(super) fn find(&self, key: &Key) -> Option<Vec<u8>> {
        let prefix = prefix_of(key);
        let (mut low, mut high) = (0, self.index.len() / INDEX_ENTRY);
        while low < high {
            let middle = low.midpoint(high);
            match self.place(middle)?.prefix < prefix {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        let candidates = (low..).map_while(|i| self.place(i).filter(|place| place.prefix == prefix));
        for place in candidates {
            if let Ok((found, code)) = self.read(place)
                && found == *key
            {
                return Some(code);
            }
        }
        None
    }

    fn read(&self, place: Place) -> io::Result<(Key, Vec<u8>)> {
        if u64::from(place.offset) + u64::from(place.length) > self.size {
            return Err(invalid("an entry lies outside"));
        }
        let mut key = [0; 32];
        let mut code = vec![0; place.length as usize + key.len()];
        self.file.read_exact_at(&mut code, place.offset.into())?;
        key.copy_from_slice(&code[place.length as usize..]);
        code.truncate(place.length as usize);
        match crc32fast::hash(&code) == place.checksum {
            true => Ok((key, code)),
            false => Err(invalid("an entry is broken")),
        }
    }

    /// Calls `take` with every entry that is not broken.
    pub(super) fn each(&self, mut take: impl FnMut(&Key, &[u8]) -> io::Result<()>) -> io::Result<()> {
        for place in self.places() {
            if let Ok((key, code)) = self.read(place) {
                take(&key, &code)?;
            }
        }
        Ok(())
    }
}

/// A pack that is being written.
pub(super) struct PackWriter {
    file: io::BufWriter<NamedTempFile>,
    size: u64,
    index: Vec<Place>,
}

impl PackWriter {
    pub(super) fn new(folder: &Path) -> io::Result<PackWriter> {
        let mut file = io::BufWriter::new(NamedTempFile::new_in(folder)?);
        file.write_all(MAGIC)?;
        Ok(PackWriter {
            file,
            size: MAGIC.len() as u64,
            index: vec![],
        })
    }

    /// How many bytes the entries take.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn add(&mut self, key: &Key, code: &[u8]) -> io::Result<()> {
        let (Ok(offset), Ok(length)) = (u32::try_from(self.size), u32::try_from(code.len())) else {
            return Err(invalid("a pack has at most 4 GiB"));
        };
        self.file.write_all(code)?;
        self.file.write_all(key)?;
        self.size += (key.len() + code.len()) as u64;
        self.index.push(Place {
            prefix: prefix_of(key),
            offset,
            length,
            checksum: crc32fast::hash(code),
        });
        Ok(())
    }

    /// Writes the index and gives the pack its name.
    pub(super) fn finish(mut self, prefix: &str, suffix: &str) -> io::Result<()> {
        self.index.sort_by_key(|place| place.prefix);
        let index: Vec<u8> = self.index.iter().flat_map(|place| place.to_bytes()).collect();
        self.file.write_all(&index)?;
        self.file.write_all(&(self.index.len() as u32).to_le_bytes())?;
        self.file.write_all(&crc32fast::hash(&index).to_le_bytes())?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let unique = file.path().file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{prefix}-{}{suffix}", unique.trim_start_matches('.'));
        let path = file.path().with_file_name(name);
        file.persist(path)?;
        Ok(())
    }
}
