//! The one door to the outside: files, store, environment, messages.
//!
//! The command line implements [`Host`] over the real file system and store; [`MemoryHost`] is the twin in memory for
//! tests and for computing paths without a disk. What an evaluation read can be recorded here and nowhere else.

use crate::error::{Error, Kind, Result};
use crate::files::{does_not_exist, file_error};
use crate::path::join;
use nivis_store::content_address::{ContentAddress, ContentAddressMethod};
use nivis_store::derivation::{Derivation, Instantiated};
use nivis_store::hash::{Hash, HashAlgorithm};
use nivis_store::nar::{Node, dump_node};
use nivis_store::path::{StoreDir, StorePath};
use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

/// What a directory entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileType {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, socket or pipe.
    Unknown,
}

impl FileType {
    /// The name `builtins.readDir` gives it.
    pub fn name(self) -> &'static str {
        match self {
            FileType::Regular => "regular",
            FileType::Directory => "directory",
            FileType::Symlink => "symlink",
            FileType::Unknown => "unknown",
        }
    }
}

/// How loud a message is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Errors.
    Error,
    /// Warnings.
    Warning,
    /// `builtins.trace` and what users should see.
    Notice,
    /// Progress.
    Info,
    /// `-v`
    Talkative,
    /// `-vv`
    Chatty,
}

/// Decides which files of a source are copied: absolute path and type.
pub type SourceFilter<'a> = &'a mut dyn FnMut(&[u8], FileType) -> Result<bool>;

/// A source to bring into the store.
pub struct Source<'a> {
    /// The absolute path of the file or directory.
    pub path: &'a [u8],
    /// The name it gets in the store.
    pub name: &'a str,
    /// Flat or as a NAR.
    pub method: ContentAddressMethod,
    /// What it is hashed with.
    pub algorithm: HashAlgorithm,
    /// Which files below it are taken.
    pub filter: Option<SourceFilter<'a>>,
}

/// The paths of outputs, by derivation and name.
pub type RealisedOutputs = BTreeMap<(StorePath, String), StorePath>;

/// Outputs of a derivation that have to be there.
pub struct WantedOutputs<'a> {
    /// The derivation.
    pub drv: &'a StorePath,
    /// Names of outputs.
    pub outputs: &'a [Arc<str>],
}

/// A file or folder that was fetched, and lies on disk for as long as this lives.
pub struct Fetched {
    path: Vec<u8>,
    _keep: Box<dyn Any>,
}

impl Fetched {
    /// What lies at that path; dropping `keep` may remove it.
    pub fn new(path: Vec<u8>, keep: Box<dyn Any>) -> Fetched {
        Fetched { path, _keep: keep }
    }

    /// Where it lies.
    pub fn path(&self) -> &[u8] {
        &self.path
    }
}

/// A regular file, told apart from others by its contents.
pub struct HashedFile {
    /// The BLAKE3 hash of the contents.
    pub hash: [u8; 32],
    /// How many bytes it has.
    pub length: usize,
    /// The contents, if they had to be read to tell.
    pub contents: Option<Vec<u8>>,
}

impl HashedFile {
    /// A file with these contents.
    pub fn of(contents: Vec<u8>) -> HashedFile {
        HashedFile {
            hash: hash_contents(&contents),
            length: contents.len(),
            contents: Some(contents),
        }
    }
}

/// What [`HashedFile`] tells contents apart by: of the hashes that are hard to forge the fastest.
pub fn hash_contents(contents: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(Hash::of(HashAlgorithm::Blake3, contents).as_bytes());
    bytes
}

/// Keeps the code of files, and what the host learned of the outside, so that a later process need not work it out again. An
/// entry's key says all that it depends on.
pub trait CodeCache {
    /// The code that was kept under a key, whole or not at all.
    fn find(&self, key: &[u8; 32]) -> Option<Vec<u8>>;
    /// Keeps code. A cache that cannot is one that forgets.
    fn keep(&self, key: &[u8; 32], code: Vec<u8>);
}

/// What the evaluator needs from outside. Paths are absolute bytes.
pub trait Host {
    /// The contents of a regular file, symlinks followed.
    fn read_file(&self, path: &[u8]) -> io::Result<Vec<u8>>;
    /// What tells a regular file apart from others, symlinks followed. A host that knows it need not read the file.
    fn hashed_file(&self, path: &[u8]) -> io::Result<HashedFile> {
        self.read_file(path).map(HashedFile::of)
    }
    /// The type of a file, symlinks not followed; `None` if it does not exist.
    fn file_type(&self, path: &[u8]) -> io::Result<Option<FileType>>;
    /// The target of a symlink.
    fn read_link(&self, path: &[u8]) -> io::Result<Vec<u8>>;
    /// The entries of a directory, in any order.
    fn read_dir(&self, path: &[u8]) -> io::Result<Vec<(Vec<u8>, FileType)>>;
    /// Where the code of files is kept, if anywhere.
    fn code_cache(&self) -> Option<&dyn CodeCache> {
        None
    }
    /// An environment variable.
    fn environment(&self, name: &[u8]) -> Option<Vec<u8>>;
    /// Seconds since 1970.
    fn current_time(&self) -> i64;
    /// Shows a message to the user.
    fn message(&self, level: Level, text: &str);
    /// Whether the user asked to stop.
    fn interrupted(&self) -> bool {
        false
    }
    /// The logical store directory.
    fn store_dir(&self) -> &StoreDir;
    /// Adds a text file with references; in read-only mode only computes its path.
    fn add_text(&self, name: &str, text: &[u8], references: &[StorePath]) -> Result<StorePath>;
    /// Adds a source; in read-only mode only computes its path. Returns the hash of its contents too.
    fn add_source(&self, source: Source<'_>) -> Result<(StorePath, Hash)>;
    /// Writes a derivation. Not called in read-only mode.
    fn add_derivation(&self, derivation: &Derivation, made: &Instantiated) -> Result<()>;
    /// The ATerm text of a derivation in the store.
    fn read_derivation(&self, path: &StorePath) -> Result<Vec<u8>>;
    /// Whether the path is in the store.
    fn is_valid_path(&self, path: &StorePath) -> Result<bool>;
    /// Makes sure that the path is in the store, by substitution if need be.
    fn ensure_path(&self, path: &StorePath) -> Result<()>;
    /// Direct references of a path in the store.
    fn references(&self, path: &StorePath) -> Result<Vec<StorePath>>;
    /// Fetches a URL, and unpacks it if it is an archive that should be.
    fn fetch(&self, url: &str, unpack: bool) -> Result<Fetched> {
        let _ = unpack;
        let message = format!("cannot fetch '{url}': this kind of URL is not supported yet");
        Err(Error::new(Kind::Store, message))
    }
    /// Builds or fetches outputs (import from derivation); gives their paths.
    fn realise(&self, wanted: &[WantedOutputs<'_>]) -> Result<RealisedOutputs>;
    /// Where a path of the store lies on disk (it differs for stores below another root).
    fn real_path(&self, path: &[u8]) -> Vec<u8> {
        path.to_vec()
    }
}

/// A host in memory: files from a map, a store that only computes paths.
pub struct MemoryHost {
    /// Regular files by absolute path. Their parents are directories.
    pub files: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Environment variables.
    pub variables: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What [`Host::message`] was given.
    pub messages: std::cell::RefCell<Vec<String>>,
    /// Where code is kept, if anywhere; several hosts may share it.
    pub code: Option<Rc<MemoryCode>>,
    derivations: std::cell::RefCell<BTreeMap<StorePath, Vec<u8>>>,
    store_dir: StoreDir,
}

impl Default for MemoryHost {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryHost {
    /// A host without files.
    pub fn new() -> MemoryHost {
        MemoryHost {
            files: BTreeMap::new(),
            variables: BTreeMap::new(),
            code: None,
            messages: std::cell::RefCell::default(),
            derivations: std::cell::RefCell::default(),
            store_dir: StoreDir::default(),
        }
    }

    /// The tree below a path, as far as the filter takes it.
    fn node(&self, path: &[u8], filter: &mut Option<SourceFilter<'_>>) -> Result<Node> {
        if let Some(contents) = self.files.get(path) {
            return Ok(Node::file(contents.clone()));
        }
        if self.children(path).next().is_none() {
            return Err(does_not_exist(path));
        }
        let mut entries = BTreeMap::new();
        let found = self
            .read_dir(path)
            .map_err(|error| file_error("reading directory", path, &error))?;
        for (name, file_type) in found {
            let child = join(path, &name);
            let wanted = match filter {
                Some(filter) => filter(&child, file_type)?,
                None => true,
            };
            if wanted {
                entries.insert(name, self.node(&child, filter)?);
            }
        }
        Ok(Node::Directory(entries))
    }

    fn children<'a>(&'a self, path: &[u8]) -> impl Iterator<Item = &'a [u8]> {
        let mut prefix = path.to_vec();
        if !prefix.ends_with(b"/") {
            prefix.push(b'/');
        }
        let range = self.files.range(prefix.clone()..);
        range.map_while(move |(file, _)| file.strip_prefix(prefix.as_slice()))
    }
}

fn unsupported(what: &str) -> Error {
    Error::new(Kind::Store, format!("{what} needs a store on disk"))
}

/// The code of files in memory, by its key.
#[derive(Default)]
pub struct MemoryCode {
    entries: std::cell::RefCell<BTreeMap<[u8; 32], Vec<u8>>>,
    found: std::cell::Cell<usize>,
}

impl MemoryCode {
    /// Whether nothing was kept.
    pub fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }

    /// How often code was found.
    pub fn found(&self) -> usize {
        self.found.get()
    }
}

impl CodeCache for MemoryCode {
    fn find(&self, key: &[u8; 32]) -> Option<Vec<u8>> {
        let found = self.entries.borrow().get(key).cloned()?;
        self.found.set(self.found.get() + 1);
        Some(found)
    }

    fn keep(&self, key: &[u8; 32], code: Vec<u8>) {
        self.entries.borrow_mut().insert(*key, code);
    }
}

impl Host for MemoryHost {
    fn code_cache(&self) -> Option<&dyn CodeCache> {
        let code = self.code.as_deref()?;
        Some(code)
    }

    fn read_file(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        self.files
            .get(path)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn file_type(&self, path: &[u8]) -> io::Result<Option<FileType>> {
        if self.files.contains_key(path) {
            return Ok(Some(FileType::Regular));
        }
        Ok((path == b"/" || self.children(path).next().is_some()).then_some(FileType::Directory))
    }

    fn read_link(&self, _: &[u8]) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::InvalidInput.into())
    }

    fn read_dir(&self, path: &[u8]) -> io::Result<Vec<(Vec<u8>, FileType)>> {
        let mut entries = BTreeMap::new();
        for child in self.children(path) {
            match child.iter().position(|&byte| byte == b'/') {
                Some(end) => entries.insert(child[..end].to_vec(), FileType::Directory),
                None => entries.insert(child.to_vec(), FileType::Regular),
            };
        }
        Ok(entries.into_iter().collect())
    }

    fn environment(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.variables.get(name).cloned()
    }

    fn current_time(&self) -> i64 {
        0
    }

    fn message(&self, _: Level, text: &str) {
        self.messages.borrow_mut().push(text.to_owned());
    }

    fn store_dir(&self) -> &StoreDir {
        &self.store_dir
    }

    fn add_text(&self, name: &str, text: &[u8], references: &[StorePath]) -> Result<StorePath> {
        let hash = Hash::sha256(text);
        let path = self.store_dir.make_text_path(name, &hash, references);
        path.map_err(|error| Error::new(Kind::Store, error.to_string()))
    }

    fn add_source(&self, source: Source<'_>) -> Result<(StorePath, Hash)> {
        let Source {
            path,
            name,
            method,
            algorithm,
            mut filter,
        } = source;
        let bytes = match method {
            ContentAddressMethod::NixArchive => {
                let mut archive = vec![];
                let node = self.node(path, &mut filter)?;
                dump_node(&node, &mut archive).map_err(|error| Error::new(Kind::Store, error.to_string()))?;
                archive
            }
            _ => self
                .read_file(path)
                .map_err(|error| file_error("opening file", path, &error))?,
        };
        let hash = Hash::of(algorithm, &bytes);
        let address = ContentAddress { method, hash };
        let path = self.store_dir.make_fixed_output_path(&address, name, [], false)?;
        Ok((path, hash))
    }

    fn add_derivation(&self, _: &Derivation, made: &Instantiated) -> Result<()> {
        let Instantiated { drv_path, text } = made.clone();
        self.derivations.borrow_mut().insert(drv_path, text);
        Ok(())
    }

    fn read_derivation(&self, path: &StorePath) -> Result<Vec<u8>> {
        self.derivations
            .borrow()
            .get(path)
            .cloned()
            .ok_or_else(|| unsupported("reading a derivation"))
    }

    fn is_valid_path(&self, path: &StorePath) -> Result<bool> {
        Ok(self.derivations.borrow().contains_key(path))
    }

    fn ensure_path(&self, _: &StorePath) -> Result<()> {
        Err(unsupported("substituting a path"))
    }

    fn references(&self, _: &StorePath) -> Result<Vec<StorePath>> {
        Err(unsupported("asking for references"))
    }

    fn realise(&self, _: &[WantedOutputs<'_>]) -> Result<RealisedOutputs> {
        Err(unsupported("building"))
    }
}
