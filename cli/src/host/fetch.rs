//! Fetching files by URL.

use super::store_error;
use crate::download::Downloads;
use nivis_eval::error::Result;
use nivis_eval::host::Fetched;
use nivis_store::tarball;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;

/// Fetches a URL; with `unpack` the tree in the archive that it is.
pub(super) fn fetch(downloads: &Downloads, url: &str, unpack: bool) -> Result<Fetched> {
    let downloaded = downloads.cached(url).map_err(store_error)?;
    if !unpack {
        let path = downloaded.path.as_os_str().as_bytes().to_vec();
        return Ok(Fetched::new(path, Box::new(downloaded)));
    }
    let folder = tempfile::Builder::new()
        .prefix("nivis-tarball-")
        .tempdir()
        .map_err(|error| store_error(format!("creating a temporary directory: {error}")))?;
    let file = File::open(&downloaded.path)
        .map_err(|error| store_error(format!("opening '{}': {error}", downloaded.path.display())))?;
    tarball::unpack(file, folder.path()).map_err(store_error)?;
    let tree = tarball::tree_in(folder.path()).map_err(store_error)?;
    Ok(Fetched::new(
        tree.as_os_str().as_bytes().to_vec(),
        Box::new(folder),
    ))
}
