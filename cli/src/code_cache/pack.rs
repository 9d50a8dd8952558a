//! Packs: files with the code of many files, which are written once and never changed.
//!
//! `magic`, then the entries, each the code and its key, in the order in which they were kept; then the index, 16 bytes an
//! entry, sorted by the start of the key; then how many there are and a checksum of the index. Every entry has a checksum too.

use super::is_private;
use std::cell::RefCell;
use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// What an entry is found by: a hash.
pub(super) type Key = [u8; 32];

/// The start of a pack, with the version of its form.
const MAGIC: &[u8; 16] = b"nivis code 1\n\0\0\0";
const TAIL: usize = 8;
const INDEX_ENTRY: usize = 16;
/// So many bytes are kept in memory before they are written.
const WRITE_FROM: usize = 1 << 20;
/// So many bytes are read at least.
const AT_LEAST: usize = 8 << 10;
/// So many bytes are read where the last ones were not far before. Longer entries are read by themselves.
const AHEAD: usize = 64 << 10;

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

/// The part of a file that was read last. Code is mostly looked for in the order in which it was kept, so what comes next is
/// read with it.
#[derive(Default)]
struct Window {
    start: u64,
    length: usize,
    /// The first `length` bytes are those of the file.
    bytes: Vec<u8>,
}

impl Window {
    /// Bytes that lie in a file of `size` bytes.
    fn bytes(&mut self, file: &File, size: u64, start: u64, length: usize) -> io::Result<&[u8]> {
        let end = self.start + self.length as u64;
        if start < self.start || start + length as u64 > end {
            let follows = (self.start..end + AHEAD as u64).contains(&start);
            let wanted = length.max(if follows { AHEAD } else { AT_LEAST });
            let left = size - start;
            let wanted = usize::try_from(left).map_or(wanted, |left| wanted.min(left));
            if self.bytes.len() < wanted {
                self.bytes.resize(wanted, 0);
            }
            self.length = 0;
            file.read_exact_at(&mut self.bytes[..wanted], start)?;
            (self.start, self.length) = (start, wanted);
        }
        let skipped = (start - self.start) as usize;
        Ok(&self.bytes[skipped..skipped + length])
    }
}

/// A pack that was opened.
pub(super) struct Pack {
    path: PathBuf,
    file: File,
    size: u64,
    index: Vec<u8>,
    window: RefCell<Window>,
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
            window: RefCell::default(),
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
            let code = self.read(place, |found, code| (found == key).then(|| code.to_vec()));
            if let Ok(Some(code)) = code {
                return Some(code);
            }
        }
        None
    }

    /// Calls `take` with an entry, if that is not broken.
    fn read<T>(&self, place: Place, take: impl FnOnce(&Key, &[u8]) -> T) -> io::Result<T> {
        let (start, length) = (u64::from(place.offset), place.length as usize);
        let whole = length + size_of::<Key>();
        if start + whole as u64 > self.size {
            return Err(invalid("an entry lies outside"));
        }
        let mut window = self.window.borrow_mut();
        let mut large = vec![];
        let bytes = match whole <= AHEAD {
            true => window.bytes(&self.file, self.size, start, whole)?,
            // There are few, and the window is not to grow by them.
            false => {
                large.resize(whole, 0);
                self.file.read_exact_at(&mut large, start)?;
                &large
            }
        };
        let (code, key) = bytes.split_at(length);
        match key.first_chunk() {
            Some(key) if crc32fast::hash(code) == place.checksum => Ok(take(key, code)),
            _ => Err(invalid("an entry is broken")),
        }
    }

    /// Calls `take` with every entry that is not broken, in the order in which they were kept.
    pub(super) fn each(&self, mut take: impl FnMut(&Key, &[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut places: Vec<Place> = self.places().collect();
        places.sort_unstable_by_key(|place| place.offset);
        for place in places {
            // What is broken is left out, what cannot be taken ends it.
            self.read(place, &mut take).unwrap_or(Ok(()))?;
        }
        Ok(())
    }
}

/// A pack that is being written. There is no file before there is much to write.
pub(super) struct PackWriter {
    folder: PathBuf,
    file: Option<NamedTempFile>,
    /// What is not in the file yet.
    rest: Vec<u8>,
    size: u64,
    index: Vec<Place>,
}

impl PackWriter {
    pub(super) fn new(folder: &Path) -> PackWriter {
        PackWriter {
            folder: folder.to_owned(),
            file: None,
            rest: MAGIC.to_vec(),
            size: MAGIC.len() as u64,
            index: vec![],
        }
    }

    /// How many bytes the entries take.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn add(&mut self, key: &Key, code: &[u8]) -> io::Result<()> {
        let (Ok(offset), Ok(length)) = (u32::try_from(self.size), u32::try_from(code.len())) else {
            return Err(invalid("a pack has at most 4 GiB"));
        };
        self.rest.extend_from_slice(code);
        self.rest.extend_from_slice(key);
        self.size += (key.len() + code.len()) as u64;
        self.index.push(Place {
            prefix: prefix_of(key),
            offset,
            length,
            checksum: crc32fast::hash(code),
        });
        match self.rest.len() < WRITE_FROM {
            true => Ok(()),
            false => self.write_rest(),
        }
    }

    /// Writes what is in memory; makes the folder if there is none.
    pub(super) fn write_rest(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let folder = &self.folder;
                DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
                if !is_private(folder) {
                    return Err(invalid("others can write to the folder"));
                }
                self.file.insert(NamedTempFile::new_in(folder)?)
            }
        };
        file.write_all(&self.rest)?;
        self.rest.clear();
        Ok(())
    }

    /// Writes the index and gives the pack its name.
    pub(super) fn finish(mut self, prefix: &str, suffix: &str) -> io::Result<()> {
        self.index.sort_by_key(|place| place.prefix);
        let index: Vec<u8> = self.index.iter().flat_map(|place| place.to_bytes()).collect();
        self.rest.extend_from_slice(&index);
        self.rest
            .extend_from_slice(&(self.index.len() as u32).to_le_bytes());
        self.rest
            .extend_from_slice(&crc32fast::hash(&index).to_le_bytes());
        self.write_rest()?;
        let Some(file) = self.file else { return Ok(()) };
        let unique = file.path().file_name().unwrap_or_default().to_string_lossy();
        let name = format!("{prefix}-{}{suffix}", unique.trim_start_matches('.'));
        let path = file.path().with_file_name(name);
        file.persist(path)?;
        Ok(())
    }
}
