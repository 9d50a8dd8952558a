//! Downloads of builds: `builtin:fetchurl`.

use super::http::{self, Answer, Client, HttpSettings};
use super::{Watcher, check_scheme};
use crate::settings::Settings;
use nivis_builder::download::{Download, Downloader};
use std::fs::File;
use std::io::Seek;
use std::path::Path;

/// Makes downloads for builds as the settings say.
#[derive(Debug)]
pub(crate) struct BuildDownloads {
    settings: HttpSettings,
}

impl BuildDownloads {
    /// Reads no file yet.
    pub(crate) fn new(settings: &Settings) -> BuildDownloads {
        BuildDownloads {
            settings: HttpSettings::new(settings),
        }
    }
}

impl Downloader for BuildDownloads {
    fn prepare(&self) -> Result<Box<dyn Download>, String> {
        let client = self.settings.client().map_err(|error| error.message)?;
        Ok(Box::new(BuildDownload { client }))
    }
}

/// What a forked process downloads with.
struct BuildDownload {
    client: Client,
}

impl Download for BuildDownload {
    fn fetch(&self, url: &str, folder: &Path, warn: &dyn Fn(&str)) -> Result<File, String> {
        check_scheme(url).map_err(|error| error.message)?;
        let answer = http::get(&self.client, Watcher::Build(warn), Some(folder), url, None);
        match answer.map_err(|error| error.message)? {
            Answer::Unchanged => Err(format!("unable to download '{url}': HTTP error 304")),
            Answer::File(fetched) => {
                let mut file = fetched.file.into_file();
                file.rewind()
                    .map_err(|error| format!("reading '{url}': {error}"))?;
                Ok(file)
            }
        }
    }
}
