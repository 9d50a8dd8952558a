//! Adding texts, derivations and sources.

use std::collections::BTreeSet;
use std::path::Path;

use super::LocalStore;
use super::pending::{Data, Item, Known, Pending, TempDir, is_changed};
use super::spool::{Spool, Spooled, WhenLarge};
use crate::derivation::{
    Derivation, DerivationError, HashModuloCache, Instantiated, aterm, check_invariants,
};
use crate::error::StoreError;
use crate::hash::Hash;
use crate::nar::{FileType, NarError, Restorer};
use crate::path::StorePath;
use crate::source::{SourceHash, SourceMethod, read_source};

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
    pub fn check_derivation(
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
        filter: F,
    ) -> Result<(StorePath, SourceHash), E>
    where
        F: FnMut(&Path, FileType) -> Result<bool, E>,
        E: From<NarError> + From<StoreError>,
    {
        self.queue_source(name, root, method, filter, WhenLarge::ReadAgain)
    }

    /// Queue a file or folder outside of the store, which is most likely new; gives its path. It is read once.
    pub fn add_new_source(
        &self,
        name: &str,
        root: &Path,
        method: SourceMethod,
    ) -> Result<StorePath, StoreError> {
        let all = |_: &Path, _: FileType| Ok::<_, StoreError>(true);
        self.queue_source(name, root, method, all, WhenLarge::Copy)
            .map(|(path, _)| path)
    }

    fn queue_source<F, E>(
        &self,
        name: &str,
        root: &Path,
        method: SourceMethod,
        mut filter: F,
        when_large: WhenLarge,
    ) -> Result<(StorePath, SourceHash), E>
    where
        F: FnMut(&Path, FileType) -> Result<bool, E>,
        E: From<NarError> + From<StoreError>,
    {
        let mut spool = Spool::new(self, when_large);
        let mut answers = Vec::new();
        let recording = |path: &Path, file_type| -> Result<bool, E> {
            self.notify.check_interrupt()?;
            let answer = filter(path, file_type)?;
            answers.push(answer);
            Ok(answer)
        };
        let read = read_source(root, method, recording, &mut spool);
        if let Some(failure) = spool.failure() {
            return Err(failure.into());
        }
        let found = read?;
        let path = self
            .store_dir()
            .make_fixed_output_path(&found.address, name, [], false)
            .map_err(StoreError::from)?;
        // A root before it is looked up, or a collector could delete it in between.
        self.add_temp_roots([&path])?;
        let repair = self.config.repair && !self.is_queued(&path);
        if self.is_valid_path(&path)? && !(repair && is_changed(&self.real_path(&path), &found.nar_hash)) {
            return Ok((path, found));
        }
        let known = Known {
            address: found.address,
            nar_hash: found.nar_hash,
            nar_size: found.nar_size,
        };
        let data = match spool.finish() {
            Spooled::Memory(recording) => Data::Recorded { recording, known },
            Spooled::Files(folder) => Data::Files { folder, known },
            Spooled::Nowhere => {
                let folder = self.copy_again(root, method, &answers, &found)?;
                Data::Files { folder, known }
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
        let found = read_source(root, method, replay, &mut files)?;
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
