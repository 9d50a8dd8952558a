//! The files and folders of a store, made when it is opened.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use super::Open;
use super::writable::make_writable;
use crate::config::StoreConfig;
use crate::db::Db;
use crate::error::StoreError;
use crate::files::create_dirs;
use crate::io_error::IoError;
use crate::locks::{LockKind, lock, open_lock_file};
use crate::notify::Notify;
use crate::temp_roots::TempRoots;

/// Open a store, and make what is missing of it unless it is read-only.
pub(super) fn open(config: &StoreConfig, notify: &Notify) -> Result<Open, StoreError> {
    open_with(config, notify, config.reserved_size)
}

/// Open a store without reserving space for a collection: it is to be used now.
pub(super) fn open_for_collecting(config: &StoreConfig, notify: &Notify) -> Result<Open, StoreError> {
    open_with(config, notify, 0)
}

fn open_with(config: &StoreConfig, notify: &Notify, reserved_size: u64) -> Result<Open, StoreError> {
    if config.read_only {
        let db = Db::open_read_only(config, notify.clone())?;
        return Ok(Open {
            db,
            temp_roots: None,
            _big_lock: None,
        });
    }
    create_dirs(&config.real_store_dir)?;
    make_writable(config)?;
    create_folders(config)?;
    if !config.allow_symlinked_store {
        check_no_symlinks(&config.real_store_dir)?;
    }
    let db_dir = config.state_dir.join("db");
    // Only a precaution for later: the store works without it.
    let reserved = db_dir.join("reserved");
    if reserved_size > 0 && reserve_space(&reserved, reserved_size).is_err() {
        // Half of it helps nobody, and others need the space now.
        let _ = fs::remove_file(&reserved);
    }
    let path = db_dir.join("big-lock");
    let big_lock = open_lock_file(&path)?;
    lock(
        &big_lock,
        &path,
        LockKind::Shared,
        notify,
        "waiting for the big Nix store lock...",
    )?;
    Ok(Open {
        db: Some(Db::open(config, notify.clone())?),
        temp_roots: Some(TempRoots::open(config)?),
        _big_lock: Some(big_lock),
    })
}

fn create_folders(config: &StoreConfig) -> Result<(), IoError> {
    create_dirs(&config.real_store_dir.join(".links"))?;
    for name in ["profiles/per-user", "temproots", "db", "gcroots/per-user"] {
        create_dirs(&config.state_dir.join(name))?;
    }
    for name in ["profiles/per-user", "gcroots/per-user"] {
        let path = config.state_dir.join(name);
        let at = |error| IoError::at("changing mode of", &path, error);
        let mode = path.metadata().map_err(at)?.permissions().mode() & 0o777;
        if mode != 0o755 {
            fs::set_permissions(&path, Permissions::from_mode(0o755)).map_err(at)?;
        }
    }
    Ok(())
}

fn check_no_symlinks(store: &Path) -> Result<(), StoreError> {
    for path in store.ancestors() {
        if path
            .symlink_metadata()
            .is_ok_and(|metadata| metadata.is_symlink())
        {
            return Err(StoreError::SymlinkedStore(path.to_owned()));
        }
    }
    Ok(())
}

/// Keep some space that a collection can free on a full disk, where SQLite cannot work otherwise.
fn reserve_space(path: &Path, size: u64) -> io::Result<()> {
    if path.metadata().is_ok_and(|metadata| metadata.len() == size) {
        return Ok(());
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    let length = i64::try_from(size).map_err(io::Error::other)?;
    if nix::fcntl::posix_fallocate(&file, 0, length).is_err() {
        io::copy(&mut io::Read::take(io::repeat(b'X'), size), &mut file)?;
        file.flush()?;
    }
    file.set_len(size)
}
