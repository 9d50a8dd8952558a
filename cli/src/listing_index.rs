//! The index of listings: what `nix-env -qa` printed, with the facts about the outside that it depends on.
//!
//! An entry is found by everything that was given: the program, its arguments, settings and environment. It is used only
//! if all its facts still hold, so an answer from it is the answer that evaluation would give. What the store knows of the
//! packages ([`Objects`]) is no part of an entry: it is looked up anew each time.

use crate::host::StoreHandle;
use crate::host::recorder::{Fact, Facts};
use crate::program;
use nivis_store::hash::Hash;
use nivis_store::path::StorePath;
use std::fs;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::NamedTempFile;

/// The start of an entry, with the version of its form.
const MAGIC: &[u8] = b"nivis listing 3\n";
/// The end of an entry: without it, it was not written to its end.
const END: &[u8] = b"complete";
/// So many entries are kept.
const MAX_ENTRIES: usize = 32;

/// An entry of the index, which may or may not be there.
pub(crate) struct ListingIndex {
    path: PathBuf,
}

/// The objects of the store that a listing is about.
#[derive(Default)]
pub(crate) struct Objects {
    /// Those whose status is shown, in the order of the lines that show it.
    pub(crate) shown: Vec<StorePath>,
    /// Those whose presence decides which packages are listed, and whether they were there.
    pub(crate) decisive: Vec<(StorePath, bool)>,
}

/// A listing as it was printed.
pub(crate) struct Listing {
    /// What went to standard error.
    pub(crate) messages: Vec<String>,
    /// What it has to do with the store.
    pub(crate) objects: Objects,
    /// What went to standard output.
    pub(crate) output: io::Take<fs::File>,
}

impl ListingIndex {
    /// The entry for what was given, in a folder.
    pub(crate) fn new(folder: &Path, given: &str) -> ListingIndex {
        let mut key = given.to_owned();
        // Another version of the program may print something else.
        key.push_str(&program::identity());
        ListingIndex {
            path: folder.join(Hash::sha256(key.as_bytes()).to_base16()),
        }
    }

    /// The listing, if it is known and nothing that it depends on has changed. Anything amiss with the entry is as if
    /// it were not there.
    pub(crate) fn find(&self, store: &StoreHandle) -> Option<Listing> {
        let mut output = fs::File::open(&self.path).ok()?;
        let mut head = [0; 24];
        output.read_exact(&mut head).ok()?;
        let facts_size = u64::from_le_bytes(head.strip_prefix(MAGIC)?.try_into().ok()?);
        let length = output.metadata().ok()?.len();
        let start = facts_size.checked_add(head.len() as u64)?;
        let end = length.checked_sub(END.len() as u64).filter(|end| start <= *end)?;
        let mut tail = [0; END.len()];
        output.seek(io::SeekFrom::Start(end)).ok()?;
        output.read_exact(&mut tail).ok()?;
        if tail != END {
            return None;
        }
        output.seek(io::SeekFrom::Start(head.len() as u64)).ok()?;
        let mut bytes = vec![0; usize::try_from(facts_size).ok()?];
        output.read_exact(&mut bytes).ok()?;
        let mut rest = bytes.as_slice();
        for _ in 0..number(&mut rest)? {
            let fact = Fact::take(&mut rest)?;
            if !store.still_holds(&fact) {
                return None;
            }
        }
        let mut messages = vec![];
        for _ in 0..number(&mut rest)? {
            messages.push(String::from_utf8(text(&mut rest)?.to_vec()).ok()?);
        }
        let mut objects = Objects::default();
        for _ in 0..number(&mut rest)? {
            objects.shown.push(object(&mut rest)?);
        }
        for _ in 0..number(&mut rest)? {
            let path = object(&mut rest)?;
            let (was_there, others) = rest.split_first()?;
            rest = others;
            objects.decisive.push((path, *was_there == 1));
        }
        Some(Listing {
            messages,
            objects,
            output: output.take(end - start),
        })
    }

    /// Keeps a listing. An index that cannot be written is one that forgets.
    pub(crate) fn keep(&self, facts: &Facts, messages: &[String], objects: &Objects, output: &mut dyn Read) {
        let _ = self.try_keep(facts, messages, objects, output);
    }

    fn try_keep(
        &self,
        facts: &Facts,
        messages: &[String],
        objects: &Objects,
        output: &mut dyn Read,
    ) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder)?;
        let mut bytes = vec![];
        write_number(&mut bytes, messages.len());
        for message in messages {
            write_text(&mut bytes, message.as_bytes());
        }
        write_number(&mut bytes, objects.shown.len());
        for path in &objects.shown {
            write_text(&mut bytes, path.base_name().as_bytes());
        }
        write_number(&mut bytes, objects.decisive.len());
        for (path, was_there) in &objects.decisive {
            write_text(&mut bytes, path.base_name().as_bytes());
            bytes.push(u8::from(*was_there));
        }
        let mut file = BufWriter::new(NamedTempFile::new_in(folder)?);
        file.write_all(MAGIC)?;
        let facts_size = (size_of::<u64>() + facts.bytes().len() + bytes.len()) as u64;
        file.write_all(&facts_size.to_le_bytes())?;
        file.write_all(&(facts.len() as u64).to_le_bytes())?;
        file.write_all(facts.bytes())?;
        file.write_all(&bytes)?;
        io::copy(output, &mut file)?;
        file.write_all(END)?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.persist(&self.path)?;
        remove_old(folder)
    }
}

fn write_number(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&(number as u64).to_le_bytes());
}

fn write_text(bytes: &mut Vec<u8>, text: &[u8]) {
    write_number(bytes, text.len());
    bytes.extend_from_slice(text);
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let (number, others) = rest.split_first_chunk()?;
    *rest = others;
    usize::try_from(u64::from_le_bytes(*number)).ok()
}

fn text<'b>(rest: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = number(rest)?;
    let (text, others) = rest.split_at_checked(length)?;
    *rest = others;
    Some(text)
}

fn object(rest: &mut &[u8]) -> Option<StorePath> {
    StorePath::from_base_name(text(rest)?).ok()
}

/// Removes the entries that were made first, if there are too many.
fn remove_old(folder: &Path) -> io::Result<()> {
    let mut entries = vec![];
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let made = entry.metadata()?.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        entries.push((made, entry.path()));
    }
    entries.sort();
    for (_, path) in entries.iter().take(entries.len().saturating_sub(MAX_ENTRIES)) {
        fs::remove_file(path)?;
    }
    Ok(())
}
