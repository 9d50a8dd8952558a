//! What an evaluation learned of the outside, so that it can be told later whether it would learn the same again.
//!
//! A [`Fact`] is an answer that evaluation got: what a file contains, what is in a folder, the value of a variable.
//! Contents are compared by hash. A file is read for that only if its [status](super::status) has changed.

use super::StoreHandle;
use super::status::{settled_status, status};
use nivis_eval::host::{FileType, HashedFile, hash_contents};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What is asked of the outside.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub(crate) enum Question {
    /// The type of a file.
    Type,
    /// The contents of a file.
    Contents,
    /// The entries of a folder.
    Entries,
    /// The target of a symlink.
    Target,
    /// Whether a file is executable.
    Executable,
    /// The value of an environment variable.
    Variable,
}

impl Question {
    /// The question of that number.
    pub(crate) fn from_number(number: u8) -> Option<Question> {
        use Question::{Contents, Entries, Executable, Target, Type, Variable};
        [Type, Contents, Entries, Target, Executable, Variable]
            .into_iter()
            .find(|question| *question as u8 == number)
    }
}

/// An answer: the answer itself or its hash, and the status of the file if that says whether it has changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Answer {
    pub(crate) value: Vec<u8>,
    pub(crate) status: Vec<u8>,
}

/// The facts by question and path.
pub(crate) type Facts = BTreeMap<(Question, Vec<u8>), Answer>;

/// Collects facts while it is on.
#[derive(Default)]
pub(crate) struct Recorder {
    is_on: Cell<bool>,
    /// Something was learned that cannot be asked again, such as the time.
    is_spoilt: Cell<bool>,
    facts: RefCell<Facts>,
}

impl Recorder {
    /// Starts recording.
    pub(crate) fn start(&self) {
        self.is_on.set(true);
    }

    /// Stops; the facts, unless they are not all there is to it.
    pub(crate) fn finish(&self) -> Option<Facts> {
        self.is_on.set(false);
        let facts = self.facts.take();
        (!self.is_spoilt.get()).then_some(facts)
    }

    pub(super) fn is_on(&self) -> bool {
        self.is_on.get()
    }

    /// Something was learned that no fact can express.
    pub(super) fn spoil(&self) {
        self.is_spoilt.set(true);
    }

    fn note(&self, question: Question, path: &[u8], answer: impl FnOnce() -> Answer) {
        if !self.is_on() {
            return;
        }
        let mut facts = self.facts.borrow_mut();
        let known = facts.entry((question, path.to_vec()));
        match known {
            std::collections::btree_map::Entry::Vacant(vacant) => {
                vacant.insert(answer());
            }
            // Asked again because something may have changed: if it has, there is no one answer.
            std::collections::btree_map::Entry::Occupied(known) => {
                if known.get().value != answer().value {
                    self.spoil();
                }
            }
        }
    }

    /// Notes an answer of a file or folder; failures other than that there is none spoil the recording.
    pub(super) fn file_type(&self, path: &[u8], found: &io::Result<Option<FileType>>) {
        match found {
            Ok(found) => self.note(Question::Type, path, || plain(type_value(*found))),
            Err(_) => self.spoil(),
        }
    }

    pub(super) fn contents(&self, path: &[u8], place: &Path, found: &io::Result<Vec<u8>>) {
        match found {
            Ok(contents) => self.hash_of_contents(path, place, || hash(contents)),
            Err(_) => self.spoil(),
        }
    }

    pub(super) fn hashed(&self, path: &[u8], place: &Path, found: &io::Result<HashedFile>) {
        match found {
            Ok(file) => self.hash_of_contents(path, place, || file.hash.to_vec()),
            Err(_) => self.spoil(),
        }
    }

    fn hash_of_contents(&self, path: &[u8], place: &Path, hash: impl FnOnce() -> Vec<u8>) {
        self.note(Question::Contents, path, || Answer {
            value: hash(),
            status: status_now(place),
        });
    }

    pub(super) fn entries(&self, path: &[u8], place: &Path, found: &io::Result<Vec<(Vec<u8>, FileType)>>) {
        match found {
            Ok(entries) => self.note(Question::Entries, path, || Answer {
                value: entries_value(entries.clone()),
                status: status_now(place),
            }),
            Err(_) => self.spoil(),
        }
    }

    pub(super) fn target(&self, path: &[u8], found: &io::Result<Vec<u8>>) {
        match found {
            Ok(target) => self.note(Question::Target, path, || plain(target.clone())),
            Err(_) => self.spoil(),
        }
    }

    pub(super) fn executable(&self, path: &[u8], place: &Path) {
        match fs::metadata(place) {
            Ok(metadata) => self.note(Question::Executable, path, || plain(executable_value(&metadata))),
            Err(_) => self.spoil(),
        }
    }

    pub(super) fn variable(&self, name: &[u8], found: Option<&Vec<u8>>) {
        self.note(Question::Variable, name, || plain(variable_value(found)));
    }
}

fn plain(value: Vec<u8>) -> Answer {
    Answer {
        value,
        status: vec![],
    }
}

/// The status of a file; empty if it does not say whether the file changes.
fn status_now(place: &Path) -> Vec<u8> {
    let metadata = fs::metadata(place).ok();
    metadata
        .and_then(|metadata| settled_status(place, &metadata))
        .unwrap_or_default()
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    hash_contents(bytes).to_vec()
}

fn type_value(found: Option<FileType>) -> Vec<u8> {
    found.map_or(vec![], |found| found.name().into())
}

fn entries_value(mut entries: Vec<(Vec<u8>, FileType)>) -> Vec<u8> {
    entries.sort_by(|left, right| left.0.cmp(&right.0));
    let mut text = vec![];
    for (name, kind) in entries {
        text.extend_from_slice(&name);
        text.push(0);
        text.extend_from_slice(kind.name().as_bytes());
        text.push(0);
    }
    hash(&text)
}

fn executable_value(metadata: &Metadata) -> Vec<u8> {
    vec![u8::from(metadata.permissions().mode() & 0o100 != 0)]
}

fn variable_value(found: Option<&Vec<u8>>) -> Vec<u8> {
    match found {
        Some(value) => [b"=", value.as_slice()].concat(),
        None => vec![],
    }
}

impl StoreHandle {
    /// Whether asking again gives the same answer.
    pub(crate) fn still_holds(&self, question: Question, path: &[u8], answer: &Answer) -> bool {
        self.ask_again(question, path, answer).unwrap_or(false)
    }

    fn ask_again(&self, question: Question, path: &[u8], answer: &Answer) -> io::Result<bool> {
        if question == Question::Variable {
            return Ok(variable_value(crate::env::variable(path).as_ref()) == answer.value);
        }
        let place = self.place(path)?;
        if !answer.status.is_empty() && status(&fs::metadata(&place)?) == answer.status {
            return Ok(true);
        }
        let value = match question {
            Question::Type => type_value(super::file_type_at(&place)?),
            Question::Contents => hash(&fs::read(&place)?),
            Question::Entries => entries_value(super::entries_at(&place)?),
            Question::Target => fs::read_link(&place)?.as_os_str().as_bytes().to_vec(),
            Question::Executable => executable_value(&fs::metadata(&place)?),
            Question::Variable => vec![],
        };
        Ok(value == answer.value)
    }
}
