//! Adding texts, derivations and sources.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use super::LocalStore;
use super::pending::{Data, Item, Known, Pending, TempDir};
use crate::derivation::{
    Derivation, DerivationError, HashModuloCache, Instantiated, aterm, check_invariants,
};
use crate::error::StoreError;
use crate::hash::Hash;
use crate::nar::{FileType, NarError, NoSink, Restorer};
use crate::path::StorePath;
use crate::source::{SourceHash, SourceMethod, read_source};

/// The largest archive of a source that is kept in memory instead of being made twice.
const SPOOL_LIMIT: usize = 16 * 1024 * 1024;

impl LocalStore {
    /// Queue a text, such as `builtins.toFile` makes; gives its path.
    pub fn add_text(
        &self,
        name: &str,
        text: &[u8],
        references: &BTreeSet<StorePath>,
    ) -> Result<StorePath, StoreError> {
        let path = self
            .store_dir()
            .make_text_path(name, &Hash::sha256(text), references)?;
        let outputs = if path.is_derivation() {
            self.check_derivation(&path, text)?
        } else {
            Vec::new()
        };
        self.queue(Item {
            path: path.clone(),
            references: references.clone(),
            outputs,
            data: Data::Text(text.to_vec()),
        })?;
        Ok(path)
    }

    /// Queue a derivation that [`crate::derivation::instantiate`] has completed.
    pub fn add_derivation(&self, drv: &Derivation, made: &Instantiated) -> Result<(), StoreError> {
        let mut outputs = Vec::with_capacity(drv.outputs.len());
        for name in drv.outputs.keys() {
            if let Some(path) = drv.output_path(self.store_dir(), name)? {
                outputs.push((name.clone(), path));
            }
        }
        self.queue(Item {
            path: made.drv_path.clone(),
            references: drv.references(),
            outputs,
            data: Data::Text(made.text.clone()),
        })
    }

    /// Check a text that claims to be a derivation; gives its outputs.
    pub(super) fn check_derivation(
        &self,
        path: &StorePath,
        text: &[u8],
    ) -> Result<Vec<(String, StorePath)>, StoreError> {
        let store = self.store_dir();
        let drv = aterm::parse(store, text, path.drv_name()?).map_err(|source| DerivationError::InFile {
            path: store.print(path),
            source,
        })?;
        let mut cache = HashModuloCache::new();
        check_invariants(store, &drv, path, &mut cache, &mut |input| {
            self.read_derivation(input)
        })?;
        let mut outputs = Vec::new();
        for name in drv.outputs.keys() {
            if let Some(path) = drv.output_path(store, name)? {
                outputs.push((name.clone(), path));
            }
        }
        Ok(outputs)
    }

    /// As [`LocalStore::add_source_with_hash`], without the hash.
    pub fn add_source<F, E>(
        &self,
        name: &str,
        root: &Path,
        method: SourceMethod,
        filter: F,
    ) -> Result<StorePath, E>
    where
        F: FnMut(&Path, FileType) -> Result<bool, E>,
        E: From<NarError> + From<StoreError>,
    {
        self.add_source_with_hash(name, root, method, filter)
            .map(|(path, _)| path)
    }

    /// Queue a file or folder outside of the store; gives its path and hash. `filter` is asked for
    /// everything below `root`.
    ///
    /// The source is read once; only if it is large and not in the store yet, a second time.
    pub fn add_source_with_hash<F, E>(
        &self,
        name: &str,
        root: &Path,
        method: SourceMethod,
        mut filter: F,
    ) -> Result<(StorePath, SourceHash), E>
    where
        F: FnMut(&Path, FileType) -> Result<bool, E>,
        E: From<NarError> + From<StoreError>,
    {
        let mut spool = Spool {
            bytes: Vec::new(),
            overflown: false,
        };
        let mut answers = Vec::new();
        let recording = |path: &Path, file_type| -> Result<bool, E> {
            self.notify.check_interrupt()?;
            let answer = filter(path, file_type)?;
            answers.push(answer);
            Ok(answer)
        };
        let found = read_source(root, method, recording, &mut spool, &mut NoSink)?;
        let path = self
            .store_dir()
            .make_fixed_output_path(&found.address, name, [], false)
            .map_err(StoreError::from)?;
        // A root before it is looked up, or a collector could delete it in between.
        self.add_temp_roots([&path])?;
        if self.is_valid_path(&path)? {
            return Ok((path, found));
        }
        let known = Known {
            address: found.address,
            nar_hash: found.nar_hash,
            nar_size: found.nar_size,
        };
        let data = if spool.overflown {
            let folder = self.copy_again(root, method, &answers, &found)?;
            Data::Files { folder, known }
        } else {
            Data::Archive {
                bytes: spool.bytes,
                is_folder: root.is_dir(),
                known,
            }
        };
        self.queue(Item {
            path: path.clone(),
            references: BTreeSet::new(),
            outputs: Vec::new(),
            data,
        })?;
        Ok((path, found))
    }

    /// Read a source again and copy it into the store, with the filter's answers of the first time.
    fn copy_again(
        &self,
        root: &Path,
        method: SourceMethod,
        answers: &[bool],
        expected: &SourceHash,
    ) -> Result<TempDir, StoreError> {
        let folder = TempDir::new(self.config())?;
        let mut answers = answers.iter().copied();
        let replay = |_: &Path, _| -> Result<bool, StoreError> { Ok(answers.next().unwrap_or(false)) };
        let mut files = Restorer::for_store(folder.object());
        let found = read_source(root, method, replay, &mut io::sink(), &mut files)?;
        if found != *expected {
            return Err(NarError::Changed(root.to_owned()).into());
        }
        Ok(folder)
    }

    fn queue(&self, item: Item) -> Result<(), StoreError> {
        if self.config.read_only {
            return Err(StoreError::ReadOnly(self.store_dir().print(&item.path)));
        }
        let full = {
            let mut state = self.state();
            state.pending.push(item);
            state.pending.is_full()
        };
        if full { self.flush() } else { Ok(()) }
    }

    /// Write what is queued. If that fails, what is not written stays queued.
    pub fn flush(&self) -> Result<(), StoreError> {
        if self.state().pending.is_empty() {
            return Ok(());
        }
        self.opened(|open, pending: &mut Pending| match &mut open.temp_roots {
            Some(roots) => roots.add(pending.needed(), &self.notify),
            None => Ok(()),
        })?;
        self.auto_gc()?;
        self.opened(|open, pending: &mut Pending| match &open.db {
            Some(db) => pending.write(&self.config, db, &self.notify),
            None => Ok(()),
        })
    }
}

/// Keeps what is written, up to a limit.
struct Spool {
    bytes: Vec<u8>,
    overflown: bool,
}

impl Write for Spool {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if !self.overflown && self.bytes.len() + data.len() > SPOOL_LIMIT {
            self.overflown = true;
            self.bytes = Vec::new();
        }
        if !self.overflown {
            self.bytes.extend_from_slice(data);
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
