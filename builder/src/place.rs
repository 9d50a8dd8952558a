//! Moving trees within the store's file system: into place, into each other's place, and into folders of our own.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use nivis_store::delete_path;
use nivis_store::io_error::IoError;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use crate::failure::BuildFailure;
use crate::sandbox::layout::{make_dir, set_mode};

/// A path with something appended to its name.
pub(crate) fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Rename; a folder that is complete must be writable for that, unless we are root.
pub(crate) fn move_path(from: &Path, to: &Path) -> Result<(), IoError> {
    let at = |error| IoError::at("renaming to", to, error);
    let metadata = from.symlink_metadata().map_err(at)?;
    let mode = metadata.permissions().mode();
    let opens = metadata.is_dir() && mode & 0o200 == 0 && !nix::unistd::geteuid().is_root();
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(at);
    if opens {
        set(from, mode | 0o200)?;
    }
    let renamed = fs::rename(from, to).map_err(at);
    if opens {
        set(if renamed.is_ok() { to } else { from }, mode)?;
    }
    renamed
}

/// Put a new tree in the place of an old one in one step, and delete the old one.
pub(crate) fn exchange(new: &Path, old: &Path) -> Result<(), BuildFailure> {
    let writable = |path: &Path| -> Result<Option<u32>, BuildFailure> {
        let metadata = path
            .symlink_metadata()
            .map_err(|error| IoError::at("getting status of", path, error))?;
        let mode = metadata.permissions().mode();
        if metadata.is_dir() && mode & 0o200 == 0 && !nix::unistd::geteuid().is_root() {
            set_mode(path, mode | 0o200)?;
            return Ok(Some(mode));
        }
        Ok(None)
    };
    let mode = writable(new)?;
    writable(old)?;
    let exchanged = renameat2(AT_FDCWD, new, AT_FDCWD, old, RenameFlags::RENAME_EXCHANGE);
    if exchanged.is_err() {
        // File systems that cannot do that need two steps.
        let aside = suffixed(old, &format!(".old-{}", std::process::id()));
        fs::rename(old, &aside).map_err(|error| IoError::at("renaming to", &aside, error))?;
        if let Err(error) = fs::rename(new, old) {
            let _ = fs::rename(&aside, old);
            return Err(IoError::at("renaming to", old, error).into());
        }
        delete_path(&aside)?;
    } else {
        delete_path(new)?;
    }
    if let Some(mode) = mode {
        set_mode(old, mode)?;
    }
    Ok(())
}

/// A folder in the store for what is not complete yet; a lock keeps collectors away from it.
#[derive(Debug)]
pub(crate) struct TempDir {
    path: PathBuf,
    _lock: File,
}

impl TempDir {
    /// Where the object is made.
    pub(crate) fn object(&self) -> PathBuf {
        self.path.join("x")
    }

    pub(crate) fn create(store: &Path) -> Result<Self, BuildFailure> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        loop {
            let count = COUNTER.fetch_add(1, Ordering::Relaxed);
            let path = store.join(format!("tmp-{}-build-{count}", std::process::id()));
            delete_path(&path)?;
            make_dir(&path, 0o700)?;
            let at = |error| IoError::at("locking", &path, error);
            let Ok(lock) = File::open(&path) else { continue };
            lock.lock().map_err(at)?;
            if path.exists() {
                return Ok(TempDir { path, _lock: lock });
            }
        }
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = delete_path(&self.path);
    }
}
