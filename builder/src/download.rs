//! Files from elsewhere, for `builtin:fetchurl`. This crate knows no network: whoever starts builds hands in what does.

use std::fmt::Debug;
use std::fs::File;
use std::path::Path;

/// Makes downloads for builds.
pub trait Downloader: Debug + Send + Sync {
    /// Reads what a builder may not read itself: credentials, certificates.
    fn prepare(&self) -> Result<Box<dyn Download>, String>;
}

/// Downloads files within a build: in a forked process, which may wait for no lock that others hold.
pub trait Download: Send {
    /// The file at a URL, at its beginning. `folder` is for temporary files; `warn` tells the user of attempts that
    /// failed.
    fn fetch(&self, url: &str, folder: &Path, warn: &dyn Fn(&str)) -> Result<File, String>;
}
