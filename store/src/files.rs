//! Changes of the file system that are seen whole or not at all, and their opposite, deletion.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::io_error::IoError;

/// A name beside `path` that nothing else has.
fn temporary_name(path: &Path) -> PathBuf {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut name = std::ffi::OsString::from(format!(".{}-{count}_", std::process::id()));
    name.push(path.file_name().unwrap_or_default());
    path.with_file_name(name)
}

/// Make the file `path` have those contents, on disk, whatever is there now.
pub(crate) fn replace_file(path: &Path, contents: &[u8]) -> Result<(), IoError> {
    let temporary = temporary_name(path);
    let written = (|| {
        let mut file = File::create_new(&temporary)?;
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        IoError::at("writing file", path, error)
    })
}

/// Make `link` a symlink to `target`; a link that is there is replaced in one step.
pub fn replace_symlink(target: &Path, link: &Path) -> Result<(), IoError> {
    let temporary = temporary_name(link);
    let at = |error| {
        let action = format!("creating symlink \"{}\" ->", link.display());
        IoError::at(&action, target, error)
    };
    symlink(target, &temporary).map_err(at)?;
    fs::rename(&temporary, link).map_err(|error| {
        let _ = fs::remove_file(&temporary);
        at(error)
    })
}

/// Delete a file or a whole tree, also one that may not be written; nothing there is fine.
pub fn delete_path(path: &Path) -> Result<(), IoError> {
    let result = match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => make_writable(path).and_then(|()| fs::remove_dir_all(path)),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(IoError::at("deleting", path, error)),
        _ => Ok(()),
    }
}

/// Let the owner change a folder and all folders below it.
fn make_writable(folder: &Path) -> io::Result<()> {
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let mode = folder.symlink_metadata()?.permissions().mode();
        if mode & 0o700 != 0o700 {
            fs::set_permissions(&folder, Permissions::from_mode(mode | 0o700))?;
        }
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    Ok(())
}

/// Make a folder and those it is in.
pub fn create_dirs(path: &Path) -> Result<(), IoError> {
    fs::create_dir_all(path).map_err(|error| IoError::at("creating directory", path, error))
}
