//! The real outside: files of the file system, a store, the environment, and standard error.

mod compute;
mod fetch;
mod folders;
mod local;
mod realise;
pub(crate) mod recorder;
mod sources;
mod status;
mod texts;

use crate::code_cache::CodeFolder;
use crate::download::Downloads;
use crate::env::{Environment, variable};
use crate::log::Logger;
use crate::options::Common;
use crate::store_choice::StoreChoice;
use compute::Computed;
use local::Local;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::host::{
    CodeCache, Fetched, FileType, HashedFile, Host, Level, RealisedOutputs, Source, WantedOutputs,
};
use nivis_store::LocalStore;
use nivis_store::derivation::{Derivation, Instantiated, aterm};
use nivis_store::hash::Hash;
use nivis_store::nar;
use nivis_store::path::{StoreDir, StorePath};
use realise::Building;
use recorder::Recorder;
use rustix::buffer::spare_capacity;
use rustix::fs::{Mode, OFlags, RawDir};
use rustix::io::retry_on_intr;
use sources::LastFile;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The store as evaluation sees it.
pub(crate) struct StoreHandle {
    store_dir: StoreDir,
    /// What is only worked out.
    computed: Computed,
    /// The store on disk, if there is one.
    local: Option<Local>,
    read_only: bool,
    /// Notes what is learned of the outside.
    pub(crate) recorder: Recorder,
}

impl StoreHandle {
    /// Opens nothing before it is needed.
    pub(crate) fn new(choice: StoreChoice, read_only: bool, logger: Logger) -> Rc<StoreHandle> {
        let store_dir = choice.store_dir().clone();
        let read_only = read_only || matches!(choice, StoreChoice::Dummy(_));
        Rc::new(StoreHandle {
            computed: Computed::new(store_dir.clone()),
            store_dir,
            local: match choice {
                StoreChoice::Local(config) => Some(Local::new(*config, logger)),
                StoreChoice::Dummy(_) => None,
            },
            read_only,
            recorder: Recorder::default(),
        })
    }

    /// The store that things are written to.
    fn writable(&self) -> Option<&Local> {
        self.local.as_ref().filter(|_| !self.read_only)
    }

    /// Writes what evaluation added so far.
    pub(crate) fn flush(&self) -> Result<()> {
        self.writable().map_or(Ok(()), Local::flush)
    }

    fn add_source(&self, source: Source<'_>) -> Result<(StorePath, Hash)> {
        match self.writable() {
            Some(local) => local.add_source(source),
            None => self.computed.add_source(source),
        }
    }

    /// Those of the paths that are in the store, asked in one go.
    pub(crate) fn valid_paths(&self, paths: &BTreeSet<StorePath>) -> Result<BTreeSet<StorePath>> {
        match &self.local {
            Some(local) => local.valid_paths(paths),
            None => Ok(BTreeSet::new()),
        }
    }

    /// The store on disk, if there is one.
    pub(crate) fn local_store(&self) -> Option<&LocalStore> {
        self.local.as_ref().map(|local| &local.store)
    }

    /// Where a file is to be looked for: objects that were only queued are written first, and those of a store
    /// below another root are found there.
    pub(crate) fn place<'p>(&self, path: &'p [u8]) -> io::Result<Cow<'p, Path>> {
        match &self.local {
            Some(local) if self.store_dir.contains(path) => local.place(path),
            _ => Ok(Cow::Borrowed(os(path))),
        }
    }

    /// Makes a link to a path that keeps it from being collected; gives the link's path. Nothing happens, as with
    /// the reference, if there is no store on disk.
    pub(crate) fn add_root(&self, path: &StorePath, link: &Path) -> Result<Option<PathBuf>> {
        match &self.local {
            Some(local) => local.add_root(path, link).map(Some),
            None => Ok(None),
        }
    }
}

/// The real outside.
pub(crate) struct RealHost {
    store: Rc<StoreHandle>,
    logger: Logger,
    building: Building,
    downloads: Downloads,
    code: Option<CodeFolder>,
    last_file: LastFile,
}

impl RealHost {
    /// The file system with that store.
    pub(crate) fn new(
        store: Rc<StoreHandle>,
        logger: Logger,
        common: &Common,
        environment: &Environment,
    ) -> RealHost {
        RealHost {
            store,
            logger,
            building: Building::new(common, environment),
            downloads: Downloads::new(common, environment, logger),
            code: environment
                .cache_home
                .as_ref()
                .filter(|_| common.settings.bool("code-cache"))
                .map(|cache| CodeFolder::new(cache.join("nivis-code"))),
            last_file: LastFile::default(),
        }
    }
}

fn os(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

/// A type as evaluation names it.
fn file_type(found: nar::FileType) -> FileType {
    match found {
        nar::FileType::Regular => FileType::Regular,
        nar::FileType::Directory => FileType::Directory,
        nar::FileType::Symlink => FileType::Symlink,
        nar::FileType::Unknown => FileType::Unknown,
    }
}

/// The status of a file; `None` if there is none.
fn metadata_at(place: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(place) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The type of a file; `None` if there is none.
fn file_type_at(place: &Path) -> io::Result<Option<FileType>> {
    let found = metadata_at(place)?;
    Ok(found.map(|metadata| file_type(metadata.file_type().into())))
}

/// Room for a file of unknown size.
const FIRST_READ: usize = 16 << 10;
/// There is this much room at least, as the files of some file systems are larger than they say.
const SHORT_READ: usize = 512;
/// A size may be a mistake, so no more room is made before there is something to fill it.
const LONG_READ: usize = 1 << 20;

/// What is in a file. Most are small, and asking for the size first would cost one of four system calls; if the size is known,
/// nothing is read behind it.
fn contents_at(place: &Path, size: Option<u64>) -> io::Result<Vec<u8>> {
    let file = rustix::fs::open(place, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let room = size.map_or(FIRST_READ, |size| {
        (size as usize + 1).clamp(SHORT_READ, LONG_READ)
    });
    let mut contents = Vec::with_capacity(room);
    while retry_on_intr(|| rustix::io::read(&file, spare_capacity(&mut contents)))? > 0 {
        // There is no more than expected, or the room would be full.
        if Some(contents.len() as u64) == size && contents.len() < contents.capacity() {
            break;
        }
        if contents.len() == contents.capacity() {
            contents.reserve(contents.len());
        }
    }
    Ok(contents)
}

/// What is in a folder, without system calls but those that read it: nixpkgs has 700 folders that are read for any package.
fn entries_at(place: &Path) -> io::Result<Vec<(Vec<u8>, FileType)>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(place, flags, Mode::empty())?;
    let mut room = [MaybeUninit::uninit(); 16 << 10];
    let mut folder = RawDir::new(folder, &mut room);
    let mut entries = vec![];
    while let Some(entry) = folder.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        let found = match entry.file_type() {
            rustix::fs::FileType::RegularFile => FileType::Regular,
            rustix::fs::FileType::Directory => FileType::Directory,
            rustix::fs::FileType::Symlink => FileType::Symlink,
            // Some file systems don't tell.
            rustix::fs::FileType::Unknown => {
                let found = file_type_at(&place.join(OsStr::from_bytes(name)))?;
                found.unwrap_or(FileType::Unknown)
            }
            _ => FileType::Unknown,
        };
        entries.push((name.to_vec(), found));
    }
    Ok(entries)
}

impl Host for RealHost {
    fn read_file(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let place = self.store.place(path)?;
        let mut before = self.last_file.take(&place);
        if before.is_none() && self.store.recorder.is_on() {
            before = fs::metadata(&place).ok();
        }
        let found = contents_at(&place, before.as_ref().map(Metadata::len));
        self.store
            .recorder
            .contents(path, &place, before.as_ref(), &found);
        found
    }

    fn code_cache(&self) -> Option<&dyn CodeCache> {
        let code = self.code.as_ref()?;
        Some(code)
    }

    fn hashed_file(&self, path: &[u8]) -> io::Result<HashedFile> {
        let place = self.store.place(path)?;
        let before = match self.last_file.take(&place) {
            Some(metadata) => metadata,
            None => self.metadata_of(&place)?,
        };
        let found = match &self.code {
            Some(code) => sources::hashed(code, &place, &before),
            None => contents_at(&place, Some(before.len())).map(HashedFile::of),
        };
        self.store.recorder.hashed(path, &place, &before, &found);
        found
    }

    fn file_type(&self, path: &[u8]) -> io::Result<Option<FileType>> {
        let place = self.store.place(path)?;
        let found = metadata_at(&place).map(|found| {
            let metadata = found?;
            let found = file_type(metadata.file_type().into());
            if found == FileType::Regular {
                self.last_file.set(&place, metadata);
            }
            Some(found)
        });
        self.store.recorder.file_type(path, &found);
        found
    }

    fn read_link(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let found = fs::read_link(self.store.place(path)?);
        let found = found.map(|target| target.into_os_string().into_vec());
        self.store.recorder.target(path, &found);
        found
    }

    fn read_dir(&self, path: &[u8]) -> io::Result<Vec<(Vec<u8>, FileType)>> {
        let place = self.store.place(path)?;
        let before = self.metadata_of(&place)?;
        let found = match &self.code {
            Some(code) => folders::entries(code, &place, &before),
            None => entries_at(&place),
        };
        self.store.recorder.entries(path, &place, &before, &found);
        found
    }

    fn environment(&self, name: &[u8]) -> Option<Vec<u8>> {
        let found = variable(name);
        self.store.recorder.variable(name, found.as_ref());
        found
    }

    fn current_time(&self) -> i64 {
        self.store.recorder.spoil();
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
    }

    fn message(&self, level: Level, text: &str) {
        match level {
            Level::Warning => self.logger.warning(text),
            level => self.logger.message(level, text),
        }
    }

    fn interrupted(&self) -> bool {
        crate::interrupt::interrupted()
    }

    fn store_dir(&self) -> &StoreDir {
        &self.store.store_dir
    }

    fn add_text(&self, name: &str, text: &[u8], references: &[StorePath]) -> Result<StorePath> {
        match self.store.writable() {
            Some(local) => local.add_text(name, text, references),
            None => self.store.computed.add_text(name, text, references),
        }
    }

    fn add_source(&self, source: Source<'_>) -> Result<(StorePath, Hash)> {
        if !self.store.recorder.is_on() {
            return self.store.add_source(source);
        }
        // What the filter lets through is part of the result, and so is what it had to choose from.
        let mut filter = source.filter;
        self.record_source(source.path);
        let mut recording = |path: &[u8], kind: FileType| {
            let is_taken = match &mut filter {
                Some(filter) => filter(path, kind)?,
                None => true,
            };
            if is_taken {
                self.record_source(path);
            }
            Ok(is_taken)
        };
        self.store.add_source(Source {
            filter: Some(&mut recording),
            ..source
        })
    }

    fn add_derivation(&self, derivation: &Derivation, made: &Instantiated) -> Result<()> {
        match self.store.writable() {
            Some(local) => local.add_derivation(derivation, made),
            None => {
                self.store.computed.add_derivation(made);
                Ok(())
            }
        }
    }

    fn read_derivation(&self, path: &StorePath) -> Result<Vec<u8>> {
        let file = self.store.store_dir.print(path);
        if let Some(text) = self.store.computed.derivation(path) {
            return text.map_err(|error| {
                nivis_eval::files::file_error("reading what was kept of", file.as_bytes(), &error)
            });
        }
        self.store.recorder.spoil();
        self.read_file(file.as_bytes())
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => not_valid(&file),
                _ => nivis_eval::files::file_error("opening file", file.as_bytes(), &error),
            })
    }

    fn is_valid_path(&self, path: &StorePath) -> Result<bool> {
        if self.store.computed.knows(path) {
            return Ok(true);
        }
        self.store.recorder.spoil();
        self.store
            .local
            .as_ref()
            .map_or(Ok(false), |local| local.is_valid_path(path))
    }

    fn ensure_path(&self, path: &StorePath) -> Result<()> {
        self.store.recorder.spoil();
        match self.is_valid_path(path)? {
            true => Ok(()),
            false => Err(not_valid(&self.store.store_dir.print(path))),
        }
    }

    fn references(&self, path: &StorePath) -> Result<Vec<StorePath>> {
        if !self.store.computed.knows(path) {
            self.store.recorder.spoil();
        }
        if !self.store.computed.knows(path)
            && let Some(local) = &self.store.local
        {
            return local.references(path);
        }
        let store_dir = &self.store.store_dir;
        let text = self.read_derivation(path)?;
        let name = path.drv_name().map_err(store_error)?;
        let derivation = aterm::parse(store_dir, &text, name).map_err(|error| {
            let path = store_dir.print(path);
            store_error(format!("error parsing derivation '{path}': {error}"))
        })?;
        Ok(derivation.references().into_iter().collect())
    }

    fn fetch(&self, url: &str, unpack: bool) -> Result<Fetched> {
        self.store.recorder.spoil();
        fetch::fetch(&self.downloads, url, unpack)
    }

    fn realise(&self, wanted: &[WantedOutputs<'_>]) -> Result<RealisedOutputs> {
        self.store.recorder.spoil();
        self.build(wanted)
    }

    fn real_path(&self, path: &[u8]) -> Vec<u8> {
        match self.store.place(path) {
            Ok(place) => place.as_os_str().as_bytes().to_vec(),
            Err(_) => path.to_vec(),
        }
    }
}

fn store_error(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::Store, error.to_string())
}

fn not_valid(path: &str) -> Error {
    store_error(format!("path '{path}' is not valid"))
}

impl RealHost {
    /// The status of what will be read.
    fn metadata_of(&self, place: &Path) -> io::Result<Metadata> {
        fs::metadata(place).inspect_err(|_| self.store.recorder.spoil())
    }

    /// Notes what of a source becomes part of the store.
    fn record_source(&self, path: &[u8]) {
        let asked = match self.file_type(path) {
            Ok(Some(FileType::Regular)) => self.store.place(path).and_then(|place| {
                self.store.recorder.executable(path, &place);
                self.hashed_file(path).map(drop)
            }),
            Ok(Some(FileType::Directory)) => self.read_dir(path).map(drop),
            Ok(Some(FileType::Symlink)) => self.read_link(path).map(drop),
            _ => Ok(()),
        };
        if asked.is_err() {
            self.store.recorder.spoil();
        }
    }
}

/// Why a source cannot be brought into the store.
enum SourceFailure {
    /// It cannot be read or stored.
    Store(String),
    /// The filter failed.
    Filter(Error),
}

impl From<nar::NarError> for SourceFailure {
    fn from(error: nar::NarError) -> SourceFailure {
        SourceFailure::Store(error.to_string())
    }
}

impl From<nivis_store::error::StoreError> for SourceFailure {
    fn from(error: nivis_store::error::StoreError) -> SourceFailure {
        SourceFailure::Store(error.to_string())
    }
}

impl From<SourceFailure> for Error {
    fn from(failure: SourceFailure) -> Error {
        match failure {
            SourceFailure::Store(message) => store_error(message),
            SourceFailure::Filter(error) => error,
        }
    }
}

/// The filter of a source as the store wants it.
fn source_filter(source: &mut Source<'_>) -> impl FnMut(&Path, nar::FileType) -> Result<bool, SourceFailure> {
    |path, found| match &mut source.filter {
        None => Ok(true),
        Some(filter) => filter(path.as_os_str().as_bytes(), file_type(found)).map_err(SourceFailure::Filter),
    }
}
