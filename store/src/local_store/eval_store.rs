//! A second store that derivations and sources come from: `--eval-store`.

use std::io;
use std::sync::Arc;
use std::thread;

use super::LocalStore;
use crate::error::StoreError;
use crate::io_error::IoError;
use crate::nar::{self, NarError};
use crate::path::StorePath;

impl LocalStore {
    /// This store, which looks for derivations and sources that it lacks in another one.
    pub fn with_eval_store(mut self, other: Arc<LocalStore>) -> LocalStore {
        self.eval_store = Some(other);
        self
    }

    /// Whether a derivation is valid, here or where derivations come from.
    pub fn is_valid_derivation(&self, drv: &StorePath) -> Result<bool, StoreError> {
        match &self.eval_store {
            Some(other) if !self.is_valid_path(drv)? => other.is_valid_path(drv),
            _ => self.is_valid_path(drv),
        }
    }

    /// Copies a source, and what it refers to, from where sources come from, if it is there and not here.
    pub fn obtain_source(&self, path: &StorePath) -> Result<(), StoreError> {
        let Some(other) = &self.eval_store else {
            return Ok(());
        };
        if self.is_valid_path(path)? || !other.is_valid_path(path)? {
            return Ok(());
        }
        let closure = other.query_closure([path.clone()])?;
        for path in other.topo_sort_paths(&closure)?.iter().rev() {
            self.add_temp_roots([path])?;
            if !self.is_valid_path(path)? {
                self.copy_from(other, path)?;
            }
        }
        Ok(())
    }

    fn copy_from(&self, other: &LocalStore, path: &StorePath) -> Result<(), StoreError> {
        let info = other.query_path_info(path)?;
        let (mut reader, mut writer) =
            io::pipe().map_err(|error| IoError::during("creating a pipe", error))?;
        let file = other.real_path(path);
        thread::scope(|scope| {
            let dumped =
                scope.spawn(move || nar::dump_path::<_, _, NarError>(&file, &mut writer, nar::accept_all));
            let added = self.add_archive(&info, &mut reader);
            // Without a reader writing fails, and does not wait.
            drop(reader);
            match dumped.join() {
                Ok(Err(error)) if added.is_err() => Err(error.into()),
                _ => added,
            }
        })
    }
}
