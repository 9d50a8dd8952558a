//! The store of read-only evaluation: works out where everything would be and writes nothing.

use super::{os, store_error};
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::host::{FileType, Source};
use nivis_store::content_address::{ContentAddress, ContentAddressMethod};
use nivis_store::derivation::Instantiated;
use nivis_store::hash::{Hash, Hasher};
use nivis_store::nar::{self, NarError};
use nivis_store::path::{StoreDir, StorePath};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What would be in the store.
pub(super) struct Computed {
    store_dir: StoreDir,
    /// Texts that were added, so that `import` of a derivation finds them.
    texts: RefCell<FxHashMap<StorePath, Box<[u8]>>>,
}

impl Computed {
    pub(super) fn new(store_dir: StoreDir) -> Computed {
        Computed {
            store_dir,
            texts: RefCell::default(),
        }
    }

    pub(super) fn knows(&self, path: &StorePath) -> bool {
        self.texts.borrow().contains_key(path)
    }

    pub(super) fn text_of(&self, path: &StorePath) -> Option<Vec<u8>> {
        self.texts.borrow().get(path).map(|text| text.to_vec())
    }

    pub(super) fn text(&self, name: &str, text: &[u8], references: &[StorePath]) -> Result<StorePath> {
        let hash = Hash::sha256(text);
        self.store_dir
            .make_text_path(name, &hash, references)
            .map_err(store_error)
    }

    pub(super) fn derivation(&self, made: &Instantiated) {
        let text = made.text.as_slice().into();
        self.texts.borrow_mut().insert(made.drv_path.clone(), text);
    }

    pub(super) fn source(&self, mut source: Source<'_>) -> Result<(StorePath, Hash)> {
        let hash = hash_source(&mut source)?;
        let address = ContentAddress {
            method: source.method,
            hash,
        };
        let path = self
            .store_dir
            .make_fixed_output_path(&address, source.name, [], false)
            .map_err(store_error)?;
        Ok((path, hash))
    }
}

fn hash_source(source: &mut Source<'_>) -> Result<Hash> {
    let path = os(source.path);
    match source.method {
        ContentAddressMethod::NixArchive => {
            let mut hashing = Hashing(Hasher::new(source.algorithm));
            let filter = |path: &Path, file_type| match &mut source.filter {
                None => Ok(true),
                Some(filter) => {
                    filter(path.as_os_str().as_bytes(), converted(file_type)).map_err(Failed::Filter)
                }
            };
            nar::dump_path(path, &mut hashing, filter)?;
            Ok(hashing.0.finish())
        }
        ContentAddressMethod::Flat | ContentAddressMethod::Text => {
            let contents = std::fs::read(path)
                .map_err(|error| nivis_eval::files::file_error("opening file", source.path, &error))?;
            Ok(Hash::of(source.algorithm, &contents))
        }
        ContentAddressMethod::Git => Err(store_error(
            "experimental Nix feature 'git-hashing' is not supported yet",
        )),
    }
}

/// A hasher as a sink.
struct Hashing(Hasher);

impl Write for Hashing {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Why a source cannot be archived.
enum Failed {
    Archive(NarError),
    Filter(Error),
}

impl From<NarError> for Failed {
    fn from(error: NarError) -> Failed {
        Failed::Archive(error)
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Error {
        match failed {
            Failed::Archive(error) => Error::new(Kind::File, error.to_string()),
            Failed::Filter(error) => error,
        }
    }
}

fn converted(file_type: nar::FileType) -> FileType {
    match file_type {
        nar::FileType::Regular => FileType::Regular,
        nar::FileType::Directory => FileType::Directory,
        nar::FileType::Symlink => FileType::Symlink,
        nar::FileType::Unknown => FileType::Unknown,
    }
}
