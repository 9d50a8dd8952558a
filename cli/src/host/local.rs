//! A store on disk as evaluation uses it.

use super::{SourceFailure, os, source_filter, store_error};
use crate::log::Logger;
use nivis_eval::error::Result;
use nivis_eval::host::{Source, WantedOutputs};
use nivis_store::LocalStore;
use nivis_store::config::StoreConfig;
use nivis_store::derivation::{Derivation, Instantiated};
use nivis_store::hash::Hash;
use nivis_store::path::StorePath;
use nivis_store::source::SourceMethod;
use rustc_hash::FxHashSet;
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// A store on disk.
pub(super) struct Local {
    pub(super) store: LocalStore,
    /// Whether objects are kept elsewhere than their paths say.
    relocated: bool,
    /// What was queued and is not on disk yet.
    queued: RefCell<FxHashSet<StorePath>>,
}

impl Local {
    pub(super) fn new(config: StoreConfig, logger: Logger) -> Local {
        let relocated = config.real_store_dir != Path::new(config.store_dir.as_str());
        Local {
            store: LocalStore::new(config, logger.notify()),
            relocated,
            queued: RefCell::default(),
        }
    }

    pub(super) fn flush(&self) -> Result<()> {
        self.store.flush().map_err(store_error)?;
        self.queued.borrow_mut().clear();
        Ok(())
    }

    /// Where a file that is named as one of the store can be read.
    pub(super) fn place<'p>(&self, path: &'p [u8]) -> io::Result<Cow<'p, Path>> {
        let Ok((object, inside)) = self.store.store_dir().to_store_path(path) else {
            return Ok(Cow::Borrowed(os(path)));
        };
        if self.queued.borrow().contains(&object) {
            self.flush().map_err(io::Error::other)?;
        }
        // What lies at the named place is seen even if the store is elsewhere.
        if !self.relocated || os(path).symlink_metadata().is_ok() {
            return Ok(Cow::Borrowed(os(path)));
        }
        let mut place = self.store.real_path(&object).into_os_string();
        place.push(os(inside));
        Ok(Cow::Owned(place.into()))
    }

    pub(super) fn add_text(&self, name: &str, text: &[u8], references: &[StorePath]) -> Result<StorePath> {
        let references = references.iter().cloned().collect();
        let path = self
            .store
            .add_text(name, text, &references)
            .map_err(store_error)?;
        self.queued.borrow_mut().insert(path.clone());
        Ok(path)
    }

    pub(super) fn add_source(&self, mut source: Source<'_>) -> Result<(StorePath, Hash)> {
        let method = SourceMethod {
            method: source.method,
            algorithm: source.algorithm,
        };
        let (root, name) = (os(source.path), source.name);
        let path =
            self.store
                .add_source::<_, SourceFailure>(name, root, method, source_filter(&mut source))?;
        self.queued.borrow_mut().insert(path.clone());
        let info = self.store.query_path_info(&path).map_err(store_error)?;
        let hash = info.content_address.map_or(info.nar_hash, |address| address.hash);
        Ok((path, hash))
    }

    pub(super) fn add_derivation(&self, derivation: &Derivation, made: &Instantiated) -> Result<()> {
        self.store.add_derivation(derivation, made).map_err(store_error)?;
        self.queued.borrow_mut().insert(made.drv_path.clone());
        Ok(())
    }

    /// Whether all derivations are on disk.
    pub(super) fn has_all(&self, wanted: &[WantedOutputs<'_>]) -> Result<bool> {
        for wanted in wanted {
            if !self.is_valid_path(wanted.drv)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn is_valid_path(&self, path: &StorePath) -> Result<bool> {
        self.store.is_valid_path(path).map_err(store_error)
    }

    pub(super) fn valid_paths(&self, paths: &BTreeSet<StorePath>) -> Result<BTreeSet<StorePath>> {
        self.store.query_valid_paths(paths).map_err(store_error)
    }

    pub(super) fn references(&self, path: &StorePath) -> Result<Vec<StorePath>> {
        let references = self.store.query_references(path).map_err(store_error)?;
        Ok(references.into_iter().collect())
    }

    pub(super) fn add_root(&self, path: &StorePath, link: &Path) -> Result<PathBuf> {
        self.store.add_perm_root(path, link).map_err(store_error)
    }
}
