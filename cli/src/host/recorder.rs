//! What an evaluation learned of the outside, so that it can be told later whether it would learn the same again.
//!
//! A fact is an answer that evaluation got: what a file contains, what is in a folder, the value of a variable.
//! Contents are compared by hash. A file is read for that only if its [status](super::status) has changed.

use super::StoreHandle;
use super::status::{settled_status, status};
use hashbrown::HashTable;
use nivis_eval::host::{FileType, HashedFile, hash_contents};
use rustc_hash::FxHasher;
use std::cell::{Cell, RefCell};
use std::fs::{self, Metadata};
use std::hash::{Hash, Hasher};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What is asked of the outside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
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
    fn from_number(number: u8) -> Option<Question> {
        use Question::{Contents, Entries, Executable, Target, Type, Variable};
        [Type, Contents, Entries, Target, Executable, Variable]
            .into_iter()
            .find(|question| *question as u8 == number)
    }
}

/// An answer: the answer itself or its hash, and the status of the file if that says whether it has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Answer<'b> {
    value: &'b [u8],
    status: &'b [u8],
}

impl<'b> Answer<'b> {
    /// An answer that is asked for again each time.
    fn plain(value: &'b [u8]) -> Answer<'b> {
        Answer { value, status: &[] }
    }
}

/// A question about a path or variable, and the answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fact<'b> {
    question: Question,
    path: &'b [u8],
    answer: Answer<'b>,
}

impl<'b> Fact<'b> {
    /// Takes a fact from the front of what [`Facts::bytes`] gave.
    pub(crate) fn take(bytes: &mut &'b [u8]) -> Option<Fact<'b>> {
        let (&question, rest) = bytes.split_first()?;
        *bytes = rest;
        Some(Fact {
            question: Question::from_number(question)?,
            path: take_text(bytes)?,
            answer: Answer {
                value: take_text(bytes)?,
                status: take_text(bytes)?,
            },
        })
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.question as u8);
        for text in [self.path, self.answer.value, self.answer.status] {
            // Paths and variables are much shorter than that.
            bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
            bytes.extend_from_slice(text);
        }
    }
}

fn take_text<'b>(bytes: &mut &'b [u8]) -> Option<&'b [u8]> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *bytes = rest;
    Some(text)
}

/// Facts, no two about the same, one behind the other as they are written: a listing of nixpkgs learns 60,000.
#[derive(Default)]
pub(crate) struct Facts {
    bytes: Vec<u8>,
    /// Where they start.
    places: HashTable<usize>,
}

impl Facts {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// All of them, for [`Fact::take`].
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds a fact. Gives the answer that is known already, if there is one.
    fn add(&mut self, fact: Fact<'_>) -> Option<Answer<'_>> {
        let hash = hash_of(fact.question, fact.path);
        let known = self.places.find(hash, |&place| {
            let known = fact_at(&self.bytes, place);
            known.is_some_and(|known| known.question == fact.question && known.path == fact.path)
        });
        if let Some(&place) = known {
            return fact_at(&self.bytes, place).map(|known| known.answer);
        }
        self.places.insert_unique(hash, self.bytes.len(), |&place| {
            fact_at(&self.bytes, place).map_or(0, |known| hash_of(known.question, known.path))
        });
        fact.write(&mut self.bytes);
        None
    }
}

fn fact_at(bytes: &[u8], place: usize) -> Option<Fact<'_>> {
    Fact::take(&mut bytes.get(place..)?)
}

fn hash_of(question: Question, path: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    question.hash(&mut hasher);
    path.hash(&mut hasher);
    hasher.finish()
}

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

    fn note(&self, question: Question, path: &[u8], answer: Answer<'_>) {
        let fact = Fact {
            question,
            path,
            answer,
        };
        // Asked again because something may have changed: if it has, there is no one answer.
        let mut facts = self.facts.borrow_mut();
        let has_changed = facts.add(fact).is_some_and(|known| known.value != answer.value);
        if has_changed {
            self.spoil();
        }
    }

    /// What was found, if it is to be noted. Failures other than that there is none spoil the recording.
    fn noted<'f, T>(&self, found: &'f io::Result<T>) -> Option<&'f T> {
        if found.is_err() {
            self.spoil();
        }
        found.as_ref().ok().filter(|_| self.is_on())
    }

    /// Notes the type of a file.
    pub(super) fn file_type(&self, path: &[u8], found: &io::Result<Option<FileType>>) {
        if let Some(found) = self.noted(found) {
            self.note(Question::Type, path, Answer::plain(type_value(*found)));
        }
    }

    /// Notes the contents of a file, given what its status was before it was read: should it have changed since, the
    /// contents will be compared.
    pub(super) fn contents(
        &self,
        path: &[u8],
        place: &Path,
        before: Option<&Metadata>,
        found: &io::Result<Vec<u8>>,
    ) {
        if let Some(contents) = self.noted(found) {
            self.with_status(Question::Contents, path, &hash_contents(contents), place, before);
        }
    }

    /// The same of a file whose hash is known.
    pub(super) fn hashed(
        &self,
        path: &[u8],
        place: &Path,
        before: &Metadata,
        found: &io::Result<HashedFile>,
    ) {
        if let Some(file) = self.noted(found) {
            self.with_status(Question::Contents, path, &file.hash, place, Some(before));
        }
    }

    /// Notes what is in a folder, given its status before it was read.
    pub(super) fn entries(
        &self,
        path: &[u8],
        place: &Path,
        before: &Metadata,
        found: &io::Result<Vec<(Vec<u8>, FileType)>>,
    ) {
        if let Some(entries) = self.noted(found) {
            let value = entries_value(entries.clone());
            self.with_status(Question::Entries, path, &value, place, Some(before));
        }
    }

    fn with_status(
        &self,
        question: Question,
        path: &[u8],
        value: &[u8],
        place: &Path,
        before: Option<&Metadata>,
    ) {
        // Without a status, and with one that does not say whether the file changes, it is asked again.
        let status = before.and_then(|metadata| settled_status(place, metadata));
        let status = status.as_deref().unwrap_or_default();
        self.note(question, path, Answer { value, status });
    }

    pub(super) fn target(&self, path: &[u8], found: &io::Result<Vec<u8>>) {
        if let Some(target) = self.noted(found) {
            self.note(Question::Target, path, Answer::plain(target));
        }
    }

    pub(super) fn executable(&self, path: &[u8], place: &Path) {
        if let Some(metadata) = self.noted(&fs::metadata(place)) {
            let value = executable_value(metadata);
            self.note(Question::Executable, path, Answer::plain(&value));
        }
    }

    pub(super) fn variable(&self, name: &[u8], found: Option<&Vec<u8>>) {
        if self.is_on() {
            self.note(Question::Variable, name, Answer::plain(&variable_value(found)));
        }
    }
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    hash_contents(bytes).to_vec()
}

fn type_value(found: Option<FileType>) -> &'static [u8] {
    found.map_or(b"", |found| found.name().as_bytes())
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
    pub(crate) fn still_holds(&self, fact: &Fact<'_>) -> bool {
        self.ask_again(fact).unwrap_or(false)
    }

    fn ask_again(&self, fact: &Fact<'_>) -> io::Result<bool> {
        let &Fact {
            question,
            path,
            answer,
        } = fact;
        if question == Question::Variable {
            return Ok(variable_value(crate::env::variable(path).as_ref()) == answer.value);
        }
        let place = self.place(path)?;
        if !answer.status.is_empty() && status(&fs::metadata(&place)?) == answer.status {
            return Ok(true);
        }
        let value = match question {
            Question::Type => return Ok(type_value(super::file_type_at(&place)?) == answer.value),
            Question::Contents => hash(&fs::read(&place)?),
            Question::Entries => entries_value(super::entries_at(&place)?),
            Question::Target => fs::read_link(&place)?.as_os_str().as_bytes().to_vec(),
            Question::Executable => executable_value(&fs::metadata(&place)?),
            Question::Variable => vec![],
        };
        Ok(value == answer.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_known_by_question_and_path() {
        let questions = [Question::Type, Question::Contents, Question::Variable];
        let names: Vec<String> = (0..100).map(|i| format!("/{i}")).collect();
        let mut facts = Facts::default();
        let all: Vec<Fact<'_>> = names
            .iter()
            .flat_map(|name| questions.map(|question| (name, question)))
            .map(|(name, question)| Fact {
                question,
                path: name.as_bytes(),
                answer: Answer {
                    value: &name.as_bytes()[1..],
                    status: &name.as_bytes()[..name.len() / 2],
                },
            })
            .collect();
        for fact in &all {
            assert_eq!(facts.add(*fact), None);
        }
        for fact in &all {
            let other = Answer::plain(b"other");
            let known = facts.add(Fact {
                answer: other,
                ..*fact
            });
            assert_eq!(known, Some(fact.answer));
        }
        assert_eq!(facts.len(), all.len());
        let mut bytes = facts.bytes();
        let read: Vec<Fact<'_>> = std::iter::from_fn(|| Fact::take(&mut bytes)).collect();
        assert_eq!(read, all);
    }
}
