//! Fetching files by URL.

use super::{os, store_error};
use nivis_eval::error::Result;
use nivis_eval::files::file_error;
use nivis_eval::host::Fetched;
use nivis_store::tarball;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;

/// Fetches a URL; with `unpack` the tree in the archive that it is.
pub(super) fn fetch(url: &str, unpack: bool) -> Result<Fetched> {
    let Some(path) = local_path(url) else {
        let message = format!("cannot fetch '{url}': only 'file://' URLs are supported yet");
        return Err(store_error(message));
    };
    let file = File::open(os(&path)).map_err(|error| {
        let reason = file_error("opening file", &path, &error);
        store_error(format!("unable to download '{url}': {reason}"))
    })?;
    if !unpack {
        return Ok(Fetched::new(path, Box::new(file)));
    }
    let folder = tempfile::Builder::new()
        .prefix("nivis-tarball-")
        .tempdir()
        .map_err(|error| store_error(format!("creating a temporary directory: {error}")))?;
    tarball::unpack(file, folder.path()).map_err(store_error)?;
    let tree = tarball::tree_in(folder.path()).map_err(store_error)?;
    Ok(Fetched::new(
        tree.as_os_str().as_bytes().to_vec(),
        Box::new(folder),
    ))
}

/// The path of a `file://` URL.
fn local_path(url: &str) -> Option<Vec<u8>> {
    let rest = url.strip_prefix("file://")?;
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    rest.starts_with('/').then(|| percent_decoded(&rest[..end]))
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut out = vec![];
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = (byte == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                out.push(code);
                rest = &tail[2..];
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn paths_of_urls() {
        let path = |url| local_path(url).map(|path| String::from_utf8_lossy(&path).into_owned());
        assert_eq!(path("file:///a%20b/c?x#y").as_deref(), Some("/a b/c"));
        assert_eq!(path("file://localhost/a%2").as_deref(), Some("/a%2"));
        assert_eq!(path("file://other/a"), None);
        assert_eq!(path("https://a/b"), None);
    }
}
