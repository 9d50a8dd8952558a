//! The store of read-only evaluation: works out where everything would be and writes nothing.

use super::texts::Texts;
use super::{SourceFailure, os, source_filter, store_error};
use nivis_eval::error::Result;
use nivis_eval::host::Source;
use nivis_store::derivation::Instantiated;
use nivis_store::hash::Hash;
use nivis_store::path::{StoreDir, StorePath};
use nivis_store::source::{SourceMethod, hash_source};
use std::cell::RefCell;

/// What would be in the store.
pub(super) struct Computed {
    store_dir: StoreDir,
    /// Derivations, so that `import` of one finds it.
    derivations: RefCell<Texts>,
}

impl Computed {
    pub(super) fn new(store_dir: StoreDir) -> Computed {
        Computed {
            store_dir,
            derivations: RefCell::default(),
        }
    }

    pub(super) fn knows(&self, path: &StorePath) -> bool {
        self.derivations.borrow().contains(path)
    }

    pub(super) fn derivation(&self, path: &StorePath) -> Option<std::io::Result<Vec<u8>>> {
        self.derivations.borrow().get(path)
    }

    pub(super) fn add_text(&self, name: &str, text: &[u8], references: &[StorePath]) -> Result<StorePath> {
        let hash = Hash::sha256(text);
        self.store_dir
            .make_text_path(name, &hash, references)
            .map_err(store_error)
    }

    pub(super) fn add_derivation(&self, made: &Instantiated) {
        let path = made.drv_path.clone();
        self.derivations.borrow_mut().insert(path, &made.text);
    }

    pub(super) fn add_source(&self, mut source: Source<'_>) -> Result<(StorePath, Hash)> {
        let method = SourceMethod {
            method: source.method,
            algorithm: source.algorithm,
        };
        let (root, name) = (os(source.path), source.name);
        let found = hash_source::<_, SourceFailure>(root, method, source_filter(&mut source))?;
        let path = self
            .store_dir
            .make_fixed_output_path(&found.address, name, [], false)
            .map_err(store_error)?;
        Ok((path, found.address.hash))
    }
}
