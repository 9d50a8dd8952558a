//! The cache of downloaded files: for each URL a small file that says which version it is, and the contents by their
//! hash. Each is written under another name and renamed, so that readers see whole files.

use super::Downloaded;
use super::http::FetchedFile;
use nivis_store::hash::Hash;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The folder of the cache.
pub(super) struct Cache {
    dir: PathBuf,
}

/// What is known of a URL.
pub(super) struct Entry {
    /// What the server called this version; empty if it did not.
    pub(super) etag: String,
    /// The URL in the end, after redirections.
    pub(super) url: String,
    /// When the server last said that this is its version, in seconds since 1970.
    pub(super) fetched: u64,
    /// Where the contents are.
    pub(super) path: PathBuf,
}

impl Entry {
    pub(super) fn downloaded(&self) -> Downloaded {
        Downloaded {
            path: self.path.clone(),
            url: self.url.clone(),
            _temporary: None,
        }
    }
}

fn name_of(hash: &Hash) -> String {
    hash.to_base16()
}

impl Cache {
    /// Makes nothing yet.
    pub(super) fn new(dir: PathBuf) -> Cache {
        Cache { dir }
    }

    fn index(&self, url: &str) -> PathBuf {
        self.dir
            .join(format!("{}.json", name_of(&Hash::sha256(url.as_bytes()))))
    }

    /// What is there of a URL. Anything amiss is as if it were not there.
    pub(super) fn find(&self, url: &str) -> Option<Entry> {
        let text = fs::read(self.index(url)).ok()?;
        let value: Value = serde_json::from_slice(&text).ok()?;
        let field = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        if field("request")? != url {
            return None;
        }
        let path = self.dir.join(Path::new(&field("contents")?).file_name()?);
        let size = fs::metadata(&path).ok()?.len();
        (value.get("size")?.as_u64()? == size).then_some(Entry {
            etag: field("etag")?,
            url: field("url")?,
            fetched: value.get("fetched")?.as_u64()?,
            path,
        })
    }

    /// Notes that the server still has this version.
    pub(super) fn renew(&self, url: &str, entry: &Entry) {
        let Ok(metadata) = fs::metadata(&entry.path) else {
            return;
        };
        let value = json!({
            "request": url,
            "url": entry.url,
            "etag": entry.etag,
            "fetched": entry.fetched,
            "contents": entry.path.file_name().unwrap_or_default().to_string_lossy(),
            "size": metadata.len(),
        });
        let write = || -> std::io::Result<()> {
            let mut file = NamedTempFile::new_in(&self.dir)?;
            file.write_all(value.to_string().as_bytes())?;
            file.persist(self.index(url))?;
            Ok(())
        };
        // A cache that cannot be written is one that forgets.
        let _ = write();
    }

    /// Puts a file into the cache; `None` if that is not possible.
    pub(super) fn keep(&self, url: &str, fetched: &FetchedFile, now: u64) -> Option<Entry> {
        fs::create_dir_all(&self.dir).ok()?;
        let path = self.dir.join(name_of(&fetched.hash));
        if fs::metadata(&path).is_ok_and(|found| found.len() == fetched.size) {
            // The same contents under another URL.
        } else {
            let mut file = NamedTempFile::new_in(&self.dir).ok()?;
            std::io::copy(&mut fs::File::open(fetched.file.path()).ok()?, &mut file).ok()?;
            file.persist(&path).ok()?;
        }
        let entry = Entry {
            etag: fetched.etag.clone(),
            url: fetched.url.clone(),
            fetched: now,
            path,
        };
        self.renew(url, &entry);
        Some(entry)
    }
}
