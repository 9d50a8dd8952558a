//! What is queued to be written to the store.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use rustc_hash::FxHashMap;

use super::optimise::optimise_new;
use crate::canonicalise::remove_inherited_lists;
use crate::config::StoreConfig;
use crate::content_address::{ContentAddress, ContentAddressMethod};
use crate::db::{Db, Registration};
use crate::error::StoreError;
use crate::files::delete_path;
use crate::hash::{Hash, Hasher};
use crate::io_error::IoError;
use crate::locks::{LockKind, PathLocks, lock_name, try_lock};
use crate::nar::{self, NarSink, NarWriter, Recording, Restorer};
use crate::notify::Notify;
use crate::path::StorePath;
use crate::path_info::PathInfo;

/// How many bytes may be queued in memory before they are written.
pub(super) const MEMORY_LIMIT: usize = 64 * 1024 * 1024;

/// The greatest number of folders that are written at once. Each needs an open lock file.
pub(super) const MAX_LOCKS: usize = 128;

/// A path that is to be written.
pub(super) struct Item {
    pub(super) path: StorePath,
    pub(super) references: BTreeSet<StorePath>,
    pub(super) outputs: Vec<(String, StorePath)>,
    pub(super) data: Data,
}

/// What is to be written.
pub(super) enum Data {
    /// The contents of one file, which is addressed as text.
    Text(Vec<u8>),
    /// What a source consists of.
    Recorded { recording: Recording, known: Known },
    /// Files that are written already, below that folder.
    Files { folder: TempDir, known: Known },
}

/// What is known of an object's archive.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) address: ContentAddress,
    pub(super) nar_hash: Hash,
    pub(super) nar_size: u64,
}

impl Item {
    pub(super) fn text(&self) -> Option<&[u8]> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it may be a folder, which unlike a file cannot replace another in one step.
    fn may_be_folder(&self) -> bool {
        match self.data {
            Data::Text(_) => false,
            Data::Recorded { ref recording, .. } => recording.is_folder(),
            Data::Files { .. } => true,
        }
    }

    fn memory(&self) -> usize {
        match &self.data {
            Data::Text(text) => text.len(),
            Data::Recorded { recording, .. } => recording.size(),
            Data::Files { .. } => 0,
        }
    }

    pub(super) fn path_info(&self) -> PathInfo {
        let known = match &self.data {
            Data::Text(text) => text_known(text),
            Data::Recorded { known, .. } | Data::Files { known, .. } => *known,
        };
        PathInfo {
            references: self.references.clone(),
            content_address: Some(known.address),
            ..PathInfo::new(self.path.clone(), known.nar_hash, known.nar_size)
        }
    }
}

fn text_known(text: &[u8]) -> Known {
    let mut hasher = Hasher::sha256();
    let mut writer = NarWriter::new(&mut hasher);
    let written = writer
        .begin_file(b"", false, text.len() as u64)
        .and_then(|()| writer.write(text))
        .and_then(|()| writer.end_file())
        .and_then(|()| writer.finish().map(|_| ()));
    debug_assert!(written.is_ok(), "hashing cannot fail");
    let nar_size = hasher.count();
    let address = ContentAddress {
        method: ContentAddressMethod::Text,
        hash: Hash::sha256(text),
    };
    Known {
        address,
        nar_hash: hasher.finish(),
        nar_size,
    }
}

/// The queue, in the order in which things were added: what is referred to comes first.
#[derive(Default)]
pub(super) struct Pending {
    items: Vec<Item>,
    index: FxHashMap<StorePath, usize>,
    memory: usize,
}

impl Pending {
    pub(super) fn get(&self, path: &StorePath) -> Option<&Item> {
        self.index.get(path).map(|index| &self.items[*index])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &StorePath> + Clone {
        self.items.iter().map(|item| &item.path)
    }

    /// The queued paths and all that they refer to.
    pub(super) fn needed(&self) -> impl Iterator<Item = &StorePath> {
        let references = self.items.iter().flat_map(|item| &item.references);
        self.paths().chain(references)
    }

    pub(super) fn is_full(&self) -> bool {
        self.memory >= MEMORY_LIMIT
    }

    pub(super) fn push(&mut self, item: Item) {
        if self.index.contains_key(&item.path) {
            return;
        }
        self.memory += item.memory();
        self.index.insert(item.path.clone(), self.items.len());
        self.items.push(item);
    }

    /// Write everything. What fails stays in the queue.
    pub(super) fn write(&mut self, config: &StoreConfig, db: &Db, notify: &Notify) -> Result<(), StoreError> {
        let valid = db.valid_subset(self.paths())?;
        self.items
            .retain(|item| !valid.contains(&item.path) || must_repair(config, item));
        let result = self.write_chunks(config, db, notify);
        self.index = self
            .items
            .iter()
            .enumerate()
            .map(|(index, item)| (item.path.clone(), index))
            .collect();
        self.memory = self.items.iter().map(Item::memory).sum();
        result
    }

    fn write_chunks(&mut self, config: &StoreConfig, db: &Db, notify: &Notify) -> Result<(), StoreError> {
        while !self.items.is_empty() {
            let mut folders = 0;
            let fits = |item: &&Item| {
                folders += usize::from(item.may_be_folder());
                folders <= MAX_LOCKS
            };
            let count = self.items.iter().take_while(fits).count();
            Chunk {
                items: self.items[..count].iter().collect(),
                config,
                db,
                notify,
            }
            .write()?;
            self.items.drain(..count);
        }
        Ok(())
    }
}

/// Paths that are written and registered at once. Their references are valid or among them.
pub(super) struct Chunk<'a> {
    items: Vec<&'a Item>,
    config: &'a StoreConfig,
    db: &'a Db,
    notify: &'a Notify,
}

impl Chunk<'_> {
    /// Write and register what is not valid.
    ///
    /// Files are put into place without locks, which would cost more than the files: whoever else writes
    /// the same path writes the same file, and renaming replaces one by the other. Only C++ Nix deletes
    /// first, under a lock, what it does not find valid; [`Chunk::check_contested`] sees to that.
    fn write(mut self) -> Result<(), StoreError> {
        let folders = self.items.iter().filter(|item| item.may_be_folder());
        let folders = folders.map(|item| self.place(item)).collect();
        let _locks = PathLocks::lock(&folders, self.notify)?;
        // Others may have been faster before the locks were taken.
        let valid = self.db.valid_subset(self.items.iter().map(|item| &item.path))?;
        self.items
            .retain(|item| !valid.contains(&item.path) || must_repair(self.config, item));
        if self.items.is_empty() {
            return Ok(());
        }
        let temporary = TempDir::new(self.config)?;
        for item in &self.items {
            self.notify.check_interrupt()?;
            self.put_into_place(item, &temporary)?;
            optimise_new(self.config, self.notify, &self.place(item))?;
        }
        Self::sync(self.config)?;
        let registrations: Vec<_> = self
            .items
            .iter()
            .map(|item| Registration {
                info: item.path_info(),
                outputs: item.outputs.clone(),
            })
            .collect();
        self.db.register(&registrations)?;
        self.check_contested(&registrations, &temporary)
    }

    fn place(&self, item: &Item) -> PathBuf {
        self.config.real_store_dir.join(item.path.base_name())
    }

    fn put_into_place(&self, item: &Item, temporary: &TempDir) -> Result<(), StoreError> {
        let place = self.place(item);
        let written = match &item.data {
            Data::Files { folder, .. } => folder.object(),
            data => {
                let written = temporary.object();
                restore(data, &written)?;
                written
            }
        };
        let at = |error| IoError::at("renaming to", &place, error);
        if !item.may_be_folder() {
            // A folder of that name is left over from something that did not come to its end.
            return match fs::rename(&written, &place) {
                Err(error) if error.kind() == io::ErrorKind::IsADirectory => {
                    delete_path(&place)?;
                    Ok(fs::rename(&written, &place).map_err(at)?)
                }
                result => Ok(result.map_err(at)?),
            };
        }
        // Files that are gone were put into place by an attempt that failed later.
        if written.symlink_metadata().is_ok() {
            if self.config.repair && exchange(&written, &place) {
                delete_path(&written)?;
            } else {
                delete_path(&place)?;
                fs::rename(&written, &place).map_err(at)?;
            }
        }
        Ok(nar::seal_root(&place)?)
    }

    /// Wait until everything on the file system of the store is on disk.
    pub(super) fn sync(config: &StoreConfig) -> Result<(), IoError> {
        if !config.sync_before_registering {
            return Ok(());
        }
        let store = &config.real_store_dir;
        let at = |error| IoError::at("syncing", store, error);
        let folder = File::open(store).map_err(at)?;
        nix::unistd::syncfs(folder).map_err(|errno| at(errno.into()))
    }

    /// Look again at files for which a lock file is there: whoever locked them before they were registered
    /// may have replaced them, or may have died while doing so.
    fn check_contested(&self, registrations: &[Registration], temporary: &TempDir) -> Result<(), StoreError> {
        for (item, registration) in self.items.iter().zip(registrations) {
            let place = self.place(item);
            if item.may_be_folder() || lock_name(&place).symlink_metadata().is_err() {
                continue;
            }
            let _lock = PathLocks::lock(&[place.clone()].into(), self.notify)?;
            let found = nar::hash_path(&place, nar::accept_all).ok();
            if found != Some((registration.info.nar_hash, registration.info.nar_size)) {
                self.put_into_place(item, temporary)?;
                Self::sync(self.config)?;
            }
        }
        Ok(())
    }
}

/// Whether a path that is valid is to be written all the same, because it was damaged.
fn must_repair(config: &StoreConfig, item: &Item) -> bool {
    config.repair
        && is_changed(
            &config.real_store_dir.join(item.path.base_name()),
            &item.path_info().nar_hash,
        )
}

/// Whether a path is gone or has other contents than it should.
pub(super) fn is_changed(place: &Path, expected: &Hash) -> bool {
    !nar::hash_path(place, nar::accept_all).is_ok_and(|(found, _)| found == *expected)
}

/// Put a new object in the place of an old one in one step, if there is an old one; whether that went well. What was old
/// is then where the new one was.
fn exchange(new: &Path, old: &Path) -> bool {
    // A folder that moves to another folder must be writable.
    if old.is_dir() && !old.is_symlink() && fs::set_permissions(old, Permissions::from_mode(0o755)).is_err() {
        return false;
    }
    renameat2(AT_FDCWD, new, AT_FDCWD, old, RenameFlags::RENAME_EXCHANGE).is_ok()
}

fn restore(data: &Data, place: &Path) -> Result<(), StoreError> {
    let mut sink = Restorer::for_store(place);
    match data {
        Data::Text(text) => {
            sink.begin_file(b"", false, text.len() as u64)?;
            sink.write(text)?;
            sink.end_file()?;
        }
        Data::Recorded { recording, .. } => recording.replay(&mut sink)?,
        Data::Files { .. } => {}
    }
    Ok(())
}

/// A folder in the store for what is not complete yet. A lock keeps collectors away from it; if the
/// process dies the lock is gone, and the next collection deletes it.
#[derive(Clone)]
pub(super) struct TempDir(Arc<TempDirInner>);

struct TempDirInner {
    path: PathBuf,
    _lock: File,
}

impl TempDir {
    pub(super) fn new(config: &StoreConfig) -> Result<Self, IoError> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = config
                .real_store_dir
                .join(format!("tmp-{}-{count}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                result => result.map_err(|error| IoError::at("creating directory", &path, error))?,
            }
            remove_inherited_lists(&path);
            // A collector may delete the folder before it is locked.
            let Ok(lock) = File::open(&path) else { continue };
            if try_lock(&lock, &path, LockKind::Exclusive)? && path.exists() {
                return Ok(TempDir(Arc::new(TempDirInner { path, _lock: lock })));
            }
        }
    }

    /// Where the object is made.
    pub(super) fn object(&self) -> PathBuf {
        self.0.path.join("x")
    }
}

impl Drop for TempDirInner {
    fn drop(&mut self) {
        let _ = delete_path(&self.path);
    }
}
