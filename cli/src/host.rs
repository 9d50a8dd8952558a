//! The real outside: files of the file system, a store, the environment, and standard error.

mod compute;

use crate::env::variable;
use crate::output::complain;
use crate::report::Style;
use compute::Computed;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::host::{FileType, Host, Level, Source, WantedOutputs};
use nivis_store::derivation::{Derivation, Instantiated};
use nivis_store::hash::Hash;
use nivis_store::path::{StoreDir, StorePath};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The real outside.
pub(crate) struct RealHost {
    store_dir: StoreDir,
    computed: Computed,
    verbosity: u8,
    style: Style,
}

impl RealHost {
    /// A host whose store is at `store_dir`.
    pub(crate) fn new(store_dir: StoreDir, verbosity: u8, style: Style) -> RealHost {
        RealHost {
            computed: Computed::new(store_dir.clone()),
            store_dir,
            verbosity,
            style,
        }
    }
}

fn os(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

fn file_type(found: fs::FileType) -> FileType {
    if found.is_file() {
        FileType::Regular
    } else if found.is_dir() {
        FileType::Directory
    } else if found.is_symlink() {
        FileType::Symlink
    } else {
        FileType::Unknown
    }
}

/// The number of a level as `-v` counts them.
fn number(level: Level) -> u8 {
    match level {
        Level::Error => 0,
        Level::Warning => 1,
        Level::Notice => 2,
        Level::Info => 3,
        Level::Talkative => 4,
        Level::Chatty => 5,
    }
}

impl Host for RealHost {
    fn read_file(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        fs::read(os(path))
    }

    fn file_type(&self, path: &[u8]) -> io::Result<Option<FileType>> {
        match fs::symlink_metadata(os(path)) {
            Ok(metadata) => Ok(Some(file_type(metadata.file_type()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read_link(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        Ok(fs::read_link(os(path))?.into_os_string().into_vec())
    }

    fn read_dir(&self, path: &[u8]) -> io::Result<Vec<(Vec<u8>, FileType)>> {
        fs::read_dir(os(path))?
            .map(|entry| {
                let entry = entry?;
                Ok((entry.file_name().into_vec(), file_type(entry.file_type()?)))
            })
            .collect()
    }

    fn environment(&self, name: &[u8]) -> Option<Vec<u8>> {
        variable(name)
    }

    fn current_time(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
    }

    fn message(&self, level: Level, text: &str) {
        if number(level) > self.verbosity {
            return;
        }
        match level {
            Level::Warning => complain(&crate::report::warning(text, self.style)),
            _ => complain(text),
        }
    }

    fn store_dir(&self) -> &StoreDir {
        &self.store_dir
    }

    fn add_text(&self, name: &str, text: &[u8], references: &[StorePath]) -> Result<StorePath> {
        self.computed.text(name, text, references)
    }

    fn add_source(&self, source: Source<'_>) -> Result<(StorePath, Hash)> {
        self.computed.source(source)
    }

    fn add_derivation(&self, _: &Derivation, made: &Instantiated) -> Result<()> {
        self.computed.derivation(made);
        Ok(())
    }

    fn read_derivation(&self, path: &StorePath) -> Result<Vec<u8>> {
        if let Some(text) = self.computed.text_of(path) {
            return Ok(text);
        }
        let file = self.store_dir.print(path);
        fs::read(&file).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => not_valid(&file),
            _ => nivis_eval::files::file_error("opening file", file.as_bytes(), &error),
        })
    }

    fn is_valid_path(&self, path: &StorePath) -> Result<bool> {
        Ok(self.computed.knows(path) || os(self.store_dir.print(path).as_bytes()).exists())
    }

    fn ensure_path(&self, path: &StorePath) -> Result<()> {
        match self.is_valid_path(path)? {
            true => Ok(()),
            false => Err(not_valid(&self.store_dir.print(path))),
        }
    }

    fn references(&self, path: &StorePath) -> Result<Vec<StorePath>> {
        if !path.is_derivation() {
            return Ok(vec![]);
        }
        let text = self.read_derivation(path)?;
        let name = path.drv_name().map_err(store_error)?;
        let derivation =
            nivis_store::derivation::aterm::parse(&self.store_dir, &text, name).map_err(|error| {
                let path = self.store_dir.print(path);
                Error::new(Kind::Store, format!("error parsing derivation '{path}': {error}"))
            })?;
        Ok(derivation.references().into_iter().collect())
    }

    fn realise(&self, wanted: &[WantedOutputs<'_>]) -> Result<()> {
        let Some(first) = wanted.first() else {
            return Ok(());
        };
        let drv = self.store_dir.print(first.drv);
        Err(Error::new(
            Kind::Store,
            format!("cannot build '{drv}' during evaluation: building is not supported yet"),
        ))
    }
}

fn store_error(error: impl std::fmt::Display) -> Error {
    Error::new(Kind::Store, error.to_string())
}

fn not_valid(path: &str) -> Error {
    Error::new(Kind::Store, format!("path '{path}' is not valid"))
}
