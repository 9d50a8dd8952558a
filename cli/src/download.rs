//! Files fetched by URL.
//!
//! What was downloaded is kept in the user's cache with what the server calls its version (the ETag). For
//! `tarball-ttl` seconds it is used as it is; after that the server is asked whether it has changed, and if the server
//! cannot be reached, it is used all the same.

mod build;
mod cache;
mod http;
mod meter;
mod netrc;

use crate::env::{Environment, variable};
use crate::log::Logger;
use crate::options::Common;
use crate::settings::Settings;
pub(crate) use build::BuildDownloads;
use cache::{Cache, Entry};
use meter::Meter;
use nivis_eval::host::Level;
use nivis_store::io_error::IoError;
use std::cell::OnceCell;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::NamedTempFile;

/// Why there is no file.
#[derive(Debug)]
pub(crate) struct DownloadError {
    /// What users are told.
    pub(crate) message: String,
    /// Whether trying again may help.
    is_transient: bool,
    /// How long to wait at least before that, in milliseconds.
    base_delay: u64,
}

impl DownloadError {
    fn new(message: impl Into<String>) -> DownloadError {
        DownloadError {
            message: message.into(),
            is_transient: false,
            base_delay: http::BASE_DELAY,
        }
    }
}

impl From<IoError> for DownloadError {
    fn from(error: IoError) -> DownloadError {
        DownloadError::new(error.to_string())
    }
}

impl std::fmt::Display for DownloadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// A file that was downloaded.
#[derive(Debug)]
pub(crate) struct Downloaded {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// The URL in the end, after redirections.
    pub(crate) url: String,
    /// Removes the file when dropped, if it is not in the cache.
    _temporary: Option<NamedTempFile>,
}

/// Downloads files.
pub(crate) struct Downloads {
    settings: http::HttpSettings,
    client: OnceCell<http::Client>,
    cache: Option<Cache>,
    time_to_live: u64,
    logger: Logger,
}

impl Downloads {
    /// As the settings say.
    pub(crate) fn new(common: &Common, environment: &Environment, logger: Logger) -> Downloads {
        let cache = environment.cache_home.as_ref();
        Downloads {
            settings: http::HttpSettings::new(&common.settings),
            client: OnceCell::new(),
            cache: cache.map(|dir| Cache::new(dir.join("nivis-downloads"))),
            time_to_live: common.settings.int("tarball-ttl").try_into().unwrap_or(0),
            logger,
        }
    }

    /// A file that may come from the cache.
    pub(crate) fn cached(&self, url: &str) -> Result<Downloaded, DownloadError> {
        if let Some(path) = local_path(url) {
            return local(url, path?);
        }
        let known = self.cache.as_ref().and_then(|cache| cache.find(url));
        let now = now();
        if let Some(entry) = &known
            && now.saturating_sub(entry.fetched) < self.time_to_live
        {
            return Ok(entry.downloaded());
        }
        let etag = known
            .as_ref()
            .map(|entry| entry.etag.as_str())
            .filter(|etag| !etag.is_empty());
        let fetched = match (self.get(url, etag), known) {
            (Ok(http::Answer::Unchanged), Some(entry)) => {
                let entry = Entry {
                    fetched: now,
                    ..entry
                };
                if let Some(cache) = &self.cache {
                    cache.renew(url, &entry);
                }
                return Ok(entry.downloaded());
            }
            (Ok(http::Answer::Unchanged), None) => {
                return Err(DownloadError::new(format!(
                    "unable to download '{url}': HTTP error 304"
                )));
            }
            (Ok(http::Answer::File(fetched)), _) => fetched,
            (Err(error), Some(entry)) => {
                self.logger.warning(&format!("{error}; using cached version"));
                return Ok(entry.downloaded());
            }
            (Err(error), None) => return Err(error),
        };
        let kept = self
            .cache
            .as_ref()
            .and_then(|cache| cache.keep(url, &fetched, now));
        match kept {
            Some(entry) => Ok(entry.downloaded()),
            None => Ok(fetched.into()),
        }
    }

    /// Whether a URL names a folder of this machine.
    pub(crate) fn is_local_folder(&self, url: &str) -> bool {
        matches!(local_path(url), Some(Ok(path)) if path.is_dir())
    }

    /// A file as the server has it now.
    pub(crate) fn fresh(&self, url: &str) -> Result<Downloaded, DownloadError> {
        if let Some(path) = local_path(url) {
            return local(url, path?);
        }
        match self.get(url, None)? {
            http::Answer::File(fetched) => Ok(fetched.into()),
            http::Answer::Unchanged => Err(DownloadError::new(format!(
                "unable to download '{url}': HTTP error 304"
            ))),
        }
    }

    fn get(&self, url: &str, etag: Option<&str>) -> Result<http::Answer, DownloadError> {
        check_scheme(url)?;
        let client = match self.client.get() {
            Some(client) => client,
            None => {
                let client = self.settings.client()?;
                self.client.get_or_init(|| client)
            }
        };
        http::get(client, Watcher::User(self.logger), None, url, etag)
    }
}

impl From<http::FetchedFile> for Downloaded {
    fn from(fetched: http::FetchedFile) -> Downloaded {
        Downloaded {
            path: fetched.file.path().to_owned(),
            url: fetched.url,
            _temporary: Some(fetched.file),
        }
    }
}

fn check_scheme(url: &str) -> Result<(), DownloadError> {
    match url.starts_with("http://") || url.starts_with("https://") {
        true => Ok(()),
        false => Err(DownloadError::new(format!(
            "cannot fetch '{url}': only 'file', 'http' and 'https' URLs are supported"
        ))),
    }
}

/// The file of the certificates to trust: the setting, what the environment says, or what there is.
pub(crate) fn certificates(settings: &Settings) -> Option<PathBuf> {
    let named = [
        Some(settings.text("ssl-cert-file").as_bytes().to_vec()),
        variable(b"NIX_SSL_CERT_FILE"),
        variable(b"SSL_CERT_FILE"),
    ];
    let named = named.into_iter().flatten().find(|path| !path.is_empty());
    let named = named.map(|path| PathBuf::from(std::ffi::OsString::from_vec(path)));
    named.or_else(|| {
        let usual = [
            "/etc/ssl/certs/ca-certificates.crt",
            "/nix/var/nix/profiles/default/etc/ssl/certs/ca-bundle.crt",
        ];
        usual.map(PathBuf::from).into_iter().find(|path| path.exists())
    })
}

/// Whom a download tells how it goes.
#[derive(Clone, Copy)]
enum Watcher<'w> {
    /// The user.
    User(Logger),
    /// The log of a build, which takes warnings.
    Build(&'w dyn Fn(&str)),
}

impl Watcher<'_> {
    fn begins(self, url: &str) {
        if let Watcher::User(logger) = self {
            logger.message(Level::Talkative, &format!("downloading '{url}'"));
        }
    }

    fn warning(self, text: &str) {
        match self {
            Watcher::User(logger) => logger.warning(text),
            Watcher::Build(warn) => warn(text),
        }
    }

    fn meter(self, url: &str, total: Option<u64>) -> Option<Meter<'_>> {
        match self {
            Watcher::User(logger) => Some(Meter::new(logger, url, total)),
            Watcher::Build(_) => None,
        }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| time.as_secs())
}

/// A file of this machine, which is used where it lies.
fn local(url: &str, path: PathBuf) -> Result<Downloaded, DownloadError> {
    match File::open(&path) {
        Ok(_) => Ok(Downloaded {
            path,
            url: url.to_owned(),
            _temporary: None,
        }),
        Err(error) => Err(DownloadError::new(format!(
            "unable to download '{url}': {}",
            IoError::at("opening file", &path, error)
        ))),
    }
}

/// The path of a `file://` URL.
fn local_path(url: &str) -> Option<Result<PathBuf, DownloadError>> {
    let rest = url.strip_prefix("file://")?;
    let rest = rest.strip_prefix("localhost").unwrap_or(rest);
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    if !rest.starts_with('/') {
        let message = format!("unable to download '{url}': 'file' URLs must have an absolute path");
        return Some(Err(DownloadError::new(message)));
    }
    let path = crate::percent::decode(&rest[..end]);
    Some(Ok(std::ffi::OsString::from_vec(path).into()))
}

/// Copies everything, for files that have to be changed.
pub(crate) fn copy_to(downloaded: &Downloaded, mut target: impl Write) -> io::Result<()> {
    io::copy(&mut File::open(&downloaded.path)?, &mut target)?;
    target.flush()
}

#[cfg(test)]
mod tests {
    use super::local_path;

    #[test]
    fn paths_of_urls() {
        let path = |url| local_path(url)?.ok().map(|path| path.display().to_string());
        assert_eq!(path("file:///a%20b/c?x#y").as_deref(), Some("/a b/c"));
        assert_eq!(path("file://localhost/a%2").as_deref(), Some("/a%2"));
        assert!(local_path("file://other/a").is_some_and(|path| path.is_err()));
        assert!(local_path("https://a/b").is_none());
    }
}
