//! Making equal files one, by hard links.
//!
//! Every file and symlink has an entry in `.links`, named by the hash of its archive. The first file of its kind becomes
//! the entry; those that come later are replaced by links to it, in one step each, so that a reader sees
//! one file or the other. Whatever keeps a file from being linked (too many links, a full disk, another process
//! that was faster) only means that it is not shared.

use std::fs::{self, File, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirEntryExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use nix::errno::Errno;
use rustc_hash::FxHashSet;

use super::LocalStore;
use crate::base32;
use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::hash::Hash;
use crate::io_error::{IoError, message};
use crate::nar;
use crate::notify::{Level, Notify};
use crate::path::StorePath;
use crate::size::render_size;

/// How often linking a file is tried when others get in the way.
const ATTEMPTS: usize = 10;

/// The greatest number of threads: more of them only wait for the disk.
const MAX_THREADS: usize = 8;

/// What was saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptimiseStats {
    /// How many files were replaced by links.
    pub files_linked: u64,
    /// The sum of their sizes.
    pub bytes_freed: u64,
}

impl LocalStore {
    /// Make equal files in all valid paths one. What is queued is written first.
    pub fn optimise(&self) -> Result<OptimiseStats, StoreError> {
        if self.config.read_only {
            return Err(StoreError::ReadOnly(".links".to_owned()));
        }
        let paths: Vec<StorePath> = self.query_all_valid_paths()?.into_iter().collect();
        let linker = Linker::new(&self.config, &self.notify);
        linker.load()?;
        let next = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        let work = || {
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                if let Err(error) = self.optimise_one(&linker, path) {
                    // The others have nothing left to do.
                    next.store(paths.len(), Ordering::Relaxed);
                    failure
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .get_or_insert(error);
                }
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 1..threads.min(MAX_THREADS) {
                scope.spawn(work);
            }
            work();
        });
        let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = failure {
            return Err(error);
        }
        let stats = linker.stats();
        self.notify.say(&format!(
            "{} freed by hard-linking {} files",
            render_size(stats.bytes_freed),
            stats.files_linked
        ));
        Ok(stats)
    }

    fn optimise_one(&self, linker: &Linker<'_>, path: &StorePath) -> Result<(), StoreError> {
        self.add_temp_roots([path])?;
        // It may have been collected before it became a root.
        if !self.is_valid_path(path)? {
            return Ok(());
        }
        self.notify.tell(
            Level::Talkative,
            &format!("optimising path '{}'...", self.store_dir().print(path)),
        );
        linker.link_tree(&self.real_path(path))
    }

    /// With `auto-optimise-store`, replace what is in a new path by what the store has already. Its metadata are
    /// in the store's form, and nobody changes it any more.
    pub fn optimise_new(&self, path: &StorePath) -> Result<(), StoreError> {
        optimise_new(&self.config, &self.notify, &self.real_path(path))
    }
}

/// With `auto-optimise-store`, replace what is at a new place in the store by what the store has already.
pub(super) fn optimise_new(config: &StoreConfig, notify: &Notify, place: &Path) -> Result<(), StoreError> {
    if !config.auto_optimise {
        return Ok(());
    }
    Linker::new(config, notify).link_tree(place)
}

struct Linker<'a> {
    store: &'a Path,
    links: PathBuf,
    notify: &'a Notify,
    /// The files that have an entry already.
    known: Mutex<FxHashSet<u64>>,
    files_linked: AtomicU64,
    bytes_freed: AtomicU64,
}

/// What came of one attempt to link a file.
enum Outcome {
    Done,
    /// Somebody has just deleted something that was needed.
    Again,
}

impl<'a> Linker<'a> {
    fn new(config: &'a StoreConfig, notify: &'a Notify) -> Self {
        Linker {
            store: &config.real_store_dir,
            links: config.real_store_dir.join(".links"),
            notify,
            known: Mutex::default(),
            files_linked: AtomicU64::new(0),
            bytes_freed: AtomicU64::new(0),
        }
    }

    fn stats(&self) -> OptimiseStats {
        OptimiseStats {
            files_linked: self.files_linked.load(Ordering::Relaxed),
            bytes_freed: self.bytes_freed.load(Ordering::Relaxed),
        }
    }

    /// Learn which files have entries, so that they are not read again.
    fn load(&self) -> Result<(), StoreError> {
        let at = |error| IoError::at("reading directory", &self.links, error);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in fs::read_dir(&self.links).map_err(at)? {
            self.notify.check_interrupt()?;
            known.insert(entry.map_err(at)?.ino());
        }
        Ok(())
    }

    fn is_known(&self, inode: u64) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(&inode)
    }

    fn link_tree(&self, root: &Path) -> Result<(), StoreError> {
        let mut open = vec![root.to_owned()];
        while let Some(path) = open.pop() {
            self.notify.check_interrupt()?;
            let status = path
                .symlink_metadata()
                .map_err(|error| IoError::at("getting status of", &path, error))?;
            if !status.is_dir() {
                self.link_file(&path, &status)?;
                continue;
            }
            let at = |error| IoError::at("reading directory", &path, error);
            for entry in fs::read_dir(&path).map_err(at)? {
                let entry = entry.map_err(at)?;
                if !self.is_known(entry.ino()) {
                    open.push(entry.path());
                }
            }
        }
        Ok(())
    }

    fn link_file(&self, path: &Path, status: &Metadata) -> Result<(), StoreError> {
        if !status.is_file() && !status.is_symlink() {
            return Ok(());
        }
        if status.is_file() && status.mode() & 0o200 != 0 {
            // Somebody has changed it, which should not happen.
            self.notify.tell(
                Level::Warning,
                &format!("skipping suspicious writable file '\"{}\"'", path.display()),
            );
            return Ok(());
        }
        if status.nlink() > 1 && self.is_known(status.ino()) {
            return Ok(());
        }
        let (hash, _) = nar::hash_path(path, nar::accept_all)?;
        let entry = self.links.join(base32::encode(hash.as_bytes()));
        for _ in 0..ATTEMPTS {
            match self.try_link(path, status, &entry, &hash)? {
                Outcome::Done => return Ok(()),
                Outcome::Again => {}
            }
        }
        Ok(())
    }

    fn try_link(
        &self,
        path: &Path,
        status: &Metadata,
        entry: &Path,
        hash: &Hash,
    ) -> Result<Outcome, StoreError> {
        let found = match entry.symlink_metadata() {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.make_entry(path, status, entry);
            }
            Err(error) => return Err(IoError::at("getting status of", entry, error).into()),
        };
        if found.ino() == status.ino() {
            return Ok(Outcome::Done);
        }
        if self.is_corrupt(entry, &found, status, hash) {
            self.notify.tell(
                Level::Warning,
                &format!("removing corrupted link \"{}\"", entry.display()),
            );
            self.notify.tell(
                Level::Warning,
                "There may be more corrupted paths.\n\
                 You should run `nix-store --verify --check-contents --repair` to fix them all",
            );
            let _ = fs::remove_file(entry);
            return Ok(Outcome::Again);
        }
        self.replace(path, status, entry)
    }

    /// An entry that somebody has changed must not spread.
    fn is_corrupt(&self, entry: &Path, found: &Metadata, status: &Metadata, hash: &Hash) -> bool {
        if found.len() != status.len() || found.mode() != status.mode() {
            return true;
        }
        // What is in the store has that time; what was changed since has another.
        found.mtime() != 1 && nar::hash_path(entry, nar::accept_all).map_or(true, |(found, _)| found != *hash)
    }

    /// Make the file the entry of its kind.
    fn make_entry(&self, path: &Path, status: &Metadata, entry: &Path) -> Result<Outcome, StoreError> {
        let Err(error) = fs::hard_link(path, entry) else {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(status.ino());
            return Ok(Outcome::Done);
        };
        match error.raw_os_error().map(Errno::from_raw) {
            // Another process was faster.
            Some(Errno::EEXIST) => Ok(Outcome::Again),
            // On ext4 the folder's index is full, or the disk is. Some file systems have no links, or few.
            Some(Errno::ENOSPC | Errno::EDQUOT | Errno::EMLINK | Errno::EPERM | Errno::EOPNOTSUPP) => {
                self.notify.say(&format!(
                    "cannot link \"{}\" to '\"{}\"': {}",
                    entry.display(),
                    path.display(),
                    message(&error)
                ));
                Ok(Outcome::Done)
            }
            _ => {
                let action = format!("creating hard link from \"{}\" to", path.display());
                Err(IoError::at(&action, entry, error).into())
            }
        }
    }

    /// Replace a file by a link to the entry.
    fn replace(&self, path: &Path, status: &Metadata, entry: &Path) -> Result<Outcome, StoreError> {
        self.notify.tell(
            Level::Talkative,
            &format!("linking \"{}\" to \"{}\"", path.display(), entry.display()),
        );
        let temporary = self.temporary_name();
        if let Err(error) = fs::hard_link(entry, &temporary) {
            return self.not_linked(entry, status, &temporary, error);
        }
        let folder = match path.parent() {
            Some(folder) if folder != self.store => Some(WritableFolder::new(folder)),
            _ => None,
        };
        let renamed = fs::rename(&temporary, path);
        drop(folder);
        match renamed {
            Ok(()) => {
                self.files_linked.fetch_add(1, Ordering::Relaxed);
                self.bytes_freed.fetch_add(status.len(), Ordering::Relaxed);
                Ok(Outcome::Done)
            }
            Err(error) => {
                let _ = fs::remove_file(&temporary);
                let errno = error.raw_os_error().map(Errno::from_raw);
                match errno {
                    // A collector has taken the temporary link for a leftover, or another optimiser has made the
                    // folder read-only again.
                    Some(Errno::ENOENT | Errno::EACCES) if path.symlink_metadata().is_ok() => {
                        Ok(Outcome::Again)
                    }
                    // Some file systems count the links so late.
                    Some(Errno::EMLINK | Errno::ENOSPC | Errno::EDQUOT) => Ok(Outcome::Done),
                    _ => {
                        let action = format!("renaming \"{}\" to", temporary.display());
                        Err(IoError::at(&action, path, error).into())
                    }
                }
            }
        }
    }

    fn not_linked(
        &self,
        entry: &Path,
        status: &Metadata,
        temporary: &Path,
        error: io::Error,
    ) -> Result<Outcome, StoreError> {
        match error.raw_os_error().map(Errno::from_raw) {
            // A collector has deleted the entry; or the name is left over from a process of the same number.
            Some(Errno::ENOENT | Errno::EEXIST) => Ok(Outcome::Again),
            Some(Errno::EMLINK) => {
                // It is no news that there are many empty files.
                if status.len() > 0 {
                    self.notify
                        .say(&format!("\"{}\" has maximum number of links", entry.display()));
                }
                Ok(Outcome::Done)
            }
            Some(Errno::ENOSPC | Errno::EDQUOT | Errno::EPERM) => Ok(Outcome::Done),
            _ => {
                let action = format!("creating hard link from \"{}\" to", entry.display());
                Err(IoError::at(&action, temporary, error).into())
            }
        }
    }

    fn temporary_name(&self) -> PathBuf {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        self.store
            .join(format!(".tmp-link-{}-{count}", std::process::id()))
    }
}

/// A folder of a store object that may be changed for the moment.
struct WritableFolder<'a>(&'a Path);

impl<'a> WritableFolder<'a> {
    /// Whatever fails here shows when the folder is changed.
    fn new(folder: &'a Path) -> Self {
        if let Ok(status) = folder.symlink_metadata()
            && status.mode() & 0o200 == 0
        {
            let _ = fs::set_permissions(folder, Permissions::from_mode(status.mode() & 0o7777 | 0o200));
        }
        WritableFolder(folder)
    }
}

impl Drop for WritableFolder<'_> {
    fn drop(&mut self) {
        let _ = fs::set_permissions(self.0, Permissions::from_mode(0o555));
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        let _ = File::open(self.0).and_then(|folder| folder.set_modified(time));
    }
}
