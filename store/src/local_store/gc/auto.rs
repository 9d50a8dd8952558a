//! Collecting garbage when the disk is nearly full: the settings `min-free` and `max-free`.

use std::time::{Duration, Instant};

use nix::sys::statvfs::statvfs;

use super::{GcAction, GcOptions, GcResults, collect};
use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::io_error::IoError;
use crate::local_store::LocalStore;
use crate::notify::{Level, Notify};

/// When it was last looked whether the disk is nearly full.
#[derive(Default)]
pub(in crate::local_store) struct AutoGc {
    last_check: Option<Instant>,
    /// How much was free after the last collection: if it helped little, another one would not either.
    free_afterwards: Option<u64>,
}

impl LocalStore {
    /// Collect garbage if less than `min-free` is free, until `max-free` is. Looks only now and then, so that it can be
    /// called before everything that takes space.
    pub fn auto_gc(&self) -> Result<(), StoreError> {
        let settings = &self.config.gc;
        if self.config.read_only || settings.min_free == 0 {
            return Ok(());
        }
        // Whoever comes while another thread collects waits for it.
        let mut state = self
            .auto_gc
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let interval = Duration::from_secs(settings.check_interval);
        if state.last_check.is_some_and(|last| last.elapsed() < interval) {
            return Ok(());
        }
        state.last_check = Some(Instant::now());
        let free = free_space(&self.config)?;
        if free >= settings.min_free || free >= settings.max_free {
            return Ok(());
        }
        if state.free_afterwards.is_some_and(|after| free > after / 100 * 97) {
            return Ok(());
        }
        self.collect_until(settings.max_free - free, &self.notify);
        state.free_afterwards = Some(free_space(&self.config)?);
        state.last_check = Some(Instant::now());
        Ok(())
    }

    fn collect_until(&self, bytes: u64, notify: &Notify) {
        notify.say(&format!("running auto-GC to free {bytes} bytes"));
        let options = GcOptions {
            max_freed: Some(bytes),
            ..GcOptions::new(GcAction::DeleteDead)
        };
        // What was to be done can perhaps be done nevertheless.
        if let Err(error) = collect(&self.config, notify, &options, &mut GcResults::default()) {
            notify.tell(Level::Error, &format!("error (ignored): {error}"));
        }
    }
}

fn free_space(config: &StoreConfig) -> Result<u64, StoreError> {
    let store = &config.real_store_dir;
    let status =
        statvfs(store).map_err(|errno| IoError::at("getting filesystem info about", store, errno.into()))?;
    Ok(status.blocks_available() * status.fragment_size())
}
