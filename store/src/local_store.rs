//! The store on disk.
//!
//! Nothing is opened before it is needed: making a [`LocalStore`] touches no file, and evaluation without
//! writing never opens the database.
//!
//! Adding is put off: [`LocalStore::add_text`], [`LocalStore::add_derivation`] and
//! [`LocalStore::add_source`] queue what is to be written, and from then on the path counts as valid here.
//! [`LocalStore::flush`] writes all of it: data first, then one `syncfs`, then one transaction for many
//! paths. Whoever lets another program see the store, or ends, flushes before.

mod add;
mod eval_store;
mod export;
pub mod gc;
mod import;
mod layout;
pub mod optimise;
mod pending;
mod realisation;
mod rebuild;
mod registration;
mod spool;
pub mod verify;
mod writable;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::closure::Direction;
use crate::config::StoreConfig;
use crate::db::{Db, Registration};
use crate::derivation::{Derivation, DerivationError, HashModuloCache, aterm};
use crate::error::StoreError;
use crate::io_error::IoError;
use crate::notify::Notify;
use crate::path::{PathError, StoreDir, StorePath, canonical};
use crate::path_info::PathInfo;
use crate::roots;
use crate::temp_roots::TempRoots;
use crate::topo_sort::topo_sort;

use gc::AutoGc;
use pending::Pending;

pub use realisation::OutputId;
pub use rebuild::Rebuilt;
pub use registration::Reregister;

/// How many symlinks are followed before it is thought a circle.
const MAX_LINKS: usize = 1024;

/// The store on disk. One for each store and process: temporary roots are a file of the process.
pub struct LocalStore {
    config: StoreConfig,
    notify: Notify,
    state: Mutex<State>,
    auto_gc: Mutex<AutoGc>,
    drv_hashes: Mutex<HashModuloCache>,
    eval_store: Option<Arc<LocalStore>>,
}

#[derive(Default)]
struct State {
    /// `None` before anything was needed.
    open: Option<Open>,
    pending: Pending,
}

/// What is open while the store is in use.
struct Open {
    /// `None` if the store is read-only and does not exist.
    db: Option<Db>,
    /// `None` if the store is read-only.
    temp_roots: Option<TempRoots>,
    /// Held, shared, so that nobody changes the tables meanwhile.
    _big_lock: Option<File>,
}

impl LocalStore {
    /// A store that will be opened when it is needed.
    pub fn new(config: StoreConfig, notify: Notify) -> Self {
        LocalStore {
            config,
            notify,
            state: Mutex::default(),
            auto_gc: Mutex::default(),
            drv_hashes: Mutex::default(),
            eval_store: None,
        }
    }

    /// Where the store is.
    pub fn config(&self) -> &StoreConfig {
        &self.config
    }

    /// The folder that all paths name.
    pub fn store_dir(&self) -> &StoreDir {
        &self.config.store_dir
    }

    /// Where the files of a path are.
    pub fn real_path(&self, path: &StorePath) -> PathBuf {
        self.config.real_store_dir.join(path.base_name())
    }

    /// The hashes of derivations, which never change.
    fn drv_hashes(&self) -> MutexGuard<'_, HashModuloCache> {
        self.drv_hashes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is in there is consistent between calls; a panic elsewhere does not change that.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state with everything open.
    fn opened<T>(
        &self,
        work: impl FnOnce(&mut Open, &mut Pending) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut state = self.state();
        let State { open, pending } = &mut *state;
        let open = match open {
            Some(open) => open,
            none => none.insert(layout::open(&self.config, &self.notify)?),
        };
        work(open, pending)
    }

    /// Ask the database, if there is one.
    fn query<T: Default>(&self, work: impl FnOnce(&Db) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.opened(|open, _| open.db.as_ref().map_or_else(|| Ok(T::default()), work))
    }

    /// Open the store now, so that what is wrong with it shows.
    pub fn open(&self) -> Result<(), StoreError> {
        self.opened(|_, _| Ok(()))
    }

    /// Whether a path is valid, or queued to be.
    pub fn is_valid_path(&self, path: &StorePath) -> Result<bool, StoreError> {
        if self.state().pending.get(path).is_some() {
            return Ok(true);
        }
        self.query(|db| db.is_valid(path))
    }

    /// Whether a path is queued: valid here, but not on disk yet.
    pub fn is_queued(&self, path: &StorePath) -> bool {
        self.state().pending.get(path).is_some()
    }

    /// Those of the paths that are valid, or queued to be.
    pub fn query_valid_paths(&self, paths: &BTreeSet<StorePath>) -> Result<BTreeSet<StorePath>, StoreError> {
        let mut valid = self.query(|db| db.valid_subset(paths))?;
        let state = self.state();
        valid.extend(
            paths
                .iter()
                .filter(|path| state.pending.get(path).is_some())
                .cloned(),
        );
        Ok(valid)
    }

    /// What is known of a path; an error if it is not valid.
    pub fn query_path_info(&self, path: &StorePath) -> Result<PathInfo, StoreError> {
        if let Some(item) = self.state().pending.get(path) {
            return Ok(item.path_info());
        }
        self.query(|db| db.info(path))?
            .ok_or_else(|| self.not_valid(path))
    }

    fn not_valid(&self, path: &StorePath) -> StoreError {
        StoreError::NotValid(self.store_dir().print(path))
    }

    /// The paths that a path refers to.
    pub fn query_references(&self, path: &StorePath) -> Result<BTreeSet<StorePath>, StoreError> {
        Ok(self.query_path_info(path)?.references)
    }

    /// The paths that refer to a path. What is queued is written first.
    pub fn query_referrers(&self, path: &StorePath) -> Result<BTreeSet<StorePath>, StoreError> {
        self.flush()?;
        self.query(|db| db.referrers(path))
    }

    /// The valid derivations that have a path for an output. What is queued is written first.
    pub fn query_valid_derivers(&self, path: &StorePath) -> Result<BTreeSet<StorePath>, StoreError> {
        self.flush()?;
        self.query(|db| db.derivers(path))
    }

    /// The outputs of a valid derivation whose paths are known, by now. What is queued is written first.
    pub fn query_derivation_outputs(&self, drv: &StorePath) -> Result<Vec<(String, StorePath)>, StoreError> {
        self.flush()?;
        let known = self.query(|db| db.outputs(drv))?;
        if !known.is_empty() || !drv.is_derivation() {
            return Ok(known);
        }
        // Content-addressed outputs are not listed with the derivation.
        let Ok(derivation) = self.read_derivation(drv) else {
            return Ok(known);
        };
        let mut realised = vec![];
        for name in derivation.outputs.keys() {
            let path = self.query_output_path(&derivation, name)?;
            realised.extend(path.map(|path| (name.clone(), path)));
        }
        Ok(realised)
    }

    /// All valid paths. What is queued is written first.
    pub fn query_all_valid_paths(&self) -> Result<BTreeSet<StorePath>, StoreError> {
        self.flush()?;
        self.query(Db::all)
    }

    /// The valid path that has those 32 digits. What is queued is written first.
    pub fn query_path_from_hash_part(&self, hash_part: &str) -> Result<Option<StorePath>, StoreError> {
        self.flush()?;
        self.query(|db| db.by_hash_part(hash_part))
    }

    /// The valid paths that can be reached from `paths` by references, with `paths` themselves.
    pub fn query_closure(
        &self,
        paths: impl IntoIterator<Item = StorePath>,
    ) -> Result<BTreeSet<StorePath>, StoreError> {
        let direction = Direction::References {
            outputs: false,
            derivers: false,
        };
        self.closure(paths, direction)
    }

    /// Read a derivation, whether it is valid, queued, or only a file in the store.
    pub fn read_derivation(&self, path: &StorePath) -> Result<Derivation, StoreError> {
        let text = self.read_derivation_text(path)?;
        aterm::parse(self.store_dir(), &text, path.drv_name()?).map_err(|source| {
            let path = self.store_dir().print(path);
            DerivationError::InFile { path, source }.into()
        })
    }

    /// Read the text of a derivation, whether it is valid, queued, or only a file in the store.
    pub fn read_derivation_text(&self, path: &StorePath) -> Result<Vec<u8>, StoreError> {
        if let Some(text) = self.state().pending.get(path).and_then(|item| item.text()) {
            return Ok(text.to_vec());
        }
        let file = self.real_path(path);
        fs::read(&file).or_else(|error| match (error.kind(), &self.eval_store) {
            (std::io::ErrorKind::NotFound, Some(other)) => other.read_derivation_text(path),
            (std::io::ErrorKind::NotFound, None) => {
                Err(StoreError::NoSuchObject(self.store_dir().print(path)))
            }
            _ => Err(IoError::at("opening file", &file, error).into()),
        })
    }

    /// Keep paths from being collected until this store is closed.
    pub fn add_temp_roots<'a>(
        &self,
        paths: impl IntoIterator<Item = &'a StorePath>,
    ) -> Result<(), StoreError> {
        self.opened(|open, _| match &mut open.temp_roots {
            Some(roots) => roots.add(paths, &self.notify),
            None => Ok(()),
        })
    }

    /// Make the symlink `link` to a path, and a root of it, in one step each; what is queued is written first.
    /// Returns the link's canonical path.
    pub fn add_perm_root(&self, path: &StorePath, link: &Path) -> Result<PathBuf, StoreError> {
        self.flush()?;
        self.opened(|open, _| match &mut open.temp_roots {
            Some(roots) => roots.add_again(path, &self.notify),
            None => Ok(()),
        })?;
        roots::add_perm_root(&self.config, path, link)
    }

    /// Register paths whose files are in place and on disk.
    pub fn register_valid_paths(&self, registrations: &[Registration]) -> Result<(), StoreError> {
        for Registration { info, .. } in registrations {
            self.check_content_address(info)?;
        }
        self.check_cycles(registrations)?;
        self.opened(|open, _| match &open.db {
            Some(db) if !self.config.read_only => db.register(registrations),
            _ => match registrations.first() {
                Some(first) => Err(StoreError::ReadOnly(self.store_dir().print(&first.info.path))),
                None => Ok(()),
            },
        })
    }

    fn check_content_address(&self, info: &PathInfo) -> Result<(), StoreError> {
        let Some(address) = &info.content_address else {
            return Ok(());
        };
        let itself = info.references.contains(&info.path);
        let others = info.references.iter().filter(|path| **path != info.path);
        let path = self
            .store_dir()
            .make_fixed_output_path(address, info.path.name(), others, itself);
        match path {
            Ok(path) if path == info.path => Ok(()),
            _ => Err(StoreError::NotContentAddressed(
                self.store_dir().print(&info.path),
            )),
        }
    }

    /// Refuse paths that refer to one another in a circle, which garbage collection could not delete.
    fn check_cycles(&self, registrations: &[Registration]) -> Result<(), StoreError> {
        let infos = registrations.iter().map(|item| &item.info);
        let references = infos
            .map(|info| (info.path.clone(), info.references.clone()))
            .collect();
        self.sort(&references).map(|_| ())
    }

    fn sort(
        &self,
        references: &BTreeMap<StorePath, BTreeSet<StorePath>>,
    ) -> Result<Vec<StorePath>, StoreError> {
        topo_sort(references).map_err(|cycle| StoreError::Cycle {
            path: self.store_dir().print(&cycle.path),
            parent: self.store_dir().print(&cycle.parent),
        })
    }

    /// Sort paths so that each comes before what it refers to. Paths that are not valid refer to nothing.
    pub fn topo_sort_paths(&self, paths: &BTreeSet<StorePath>) -> Result<Vec<StorePath>, StoreError> {
        let mut references = BTreeMap::new();
        for path in paths {
            let found = match self.query_references(path) {
                Err(StoreError::NotValid(_)) => BTreeSet::new(),
                found => found?,
            };
            references.insert(path.clone(), found);
        }
        self.sort(&references)
    }

    /// The store object that a path names, directly or by symlinks outside of the store; the path may lie
    /// within the object.
    pub fn follow_links_to_store_path(&self, path: &Path) -> Result<StorePath, StoreError> {
        // The empty path is the current folder.
        let start = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let mut current =
            std::path::absolute(start).map_err(|error| IoError::at("resolving", path, error))?;
        for _ in 0..MAX_LINKS {
            let text = canonical(current.as_os_str().as_bytes())?;
            if self.store_dir().contains(&text) {
                return Ok(self.store_dir().to_store_path(&text)?.0);
            }
            current = PathBuf::from(OsStr::from_bytes(&text));
            let Ok(target) = fs::read_link(&current) else {
                return Err(PathError::NotInStore(current.display().to_string()).into());
            };
            current = current.parent().unwrap_or(Path::new("/")).join(target);
        }
        Err(StoreError::TooManyLinks(path.to_owned()))
    }
}
