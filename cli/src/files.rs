//! Paths of files that are arguments.

use crate::failure::Result;
use nivis_store::io_error::IoError;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What is after the last slash, but for slashes at the end.
pub(crate) fn base_name(path: &[u8]) -> &[u8] {
    let end = path
        .iter()
        .rposition(|&byte| byte != b'/')
        .map_or(0, |last| last + 1);
    let path = &path[..end];
    path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

/// A path whose folder has no symlinks; it itself may be one.
pub(crate) fn with_canonical_parent(path: &[u8]) -> Result<PathBuf> {
    let given = Path::new(OsStr::from_bytes(path));
    let given = if path.is_empty() { Path::new(".") } else { given };
    let absolute = std::path::absolute(given).map_err(|error| IoError::at("resolving", given, error))?;
    let text = nivis_store::path::canonical(absolute.as_os_str().as_bytes())?;
    let absolute = Path::new(OsStr::from_bytes(&text));
    let (Some(parent), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Ok(absolute.to_owned());
    };
    let parent = parent
        .canonicalize()
        .map_err(|error| IoError::at("canonicalising parent path of", absolute, error))?;
    Ok(parent.join(name))
}
