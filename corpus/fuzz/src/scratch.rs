//! A store for the targets that write to one.

use nivis_store::LocalStore;
use nivis_store::config::StoreConfig;
use nivis_store::notify::Notify;
use std::cell::RefCell;
use std::path::Path;
use tempfile::TempDir;

/// So many inputs use one store.
const USES: u32 = 500;

struct Scratch {
    store: LocalStore,
    folder: TempDir,
    uses: u32,
}

thread_local! {
    static SCRATCH: RefCell<Option<Scratch>> = const { RefCell::new(None) };
}

/// An empty folder, in memory where the system has such a place.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.expect("a folder can be made")
}

/// Runs `body` with a store that a few inputs before used, too, and the folder that it lies in.
pub fn with_store(body: impl FnOnce(&LocalStore, &Path)) {
    let mut scratch = SCRATCH
        .take()
        .filter(|scratch| scratch.uses < USES)
        .unwrap_or_else(|| {
            let folder = folder();
            let config = StoreConfig {
                // Speed is all that matters.
                fsync_metadata: false,
                sync_before_registering: false,
                reserved_size: 0,
                ..StoreConfig::below(folder.path())
            };
            Scratch {
                store: LocalStore::new(config, Notify::silent()),
                folder,
                uses: 0,
            }
        });
    scratch.uses += 1;
    body(&scratch.store, scratch.folder.path());
    SCRATCH.set(Some(scratch));
}
