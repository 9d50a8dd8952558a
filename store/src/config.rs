//! Where a store is and how it is kept.

use std::path::{Path, PathBuf};

use crate::path::StoreDir;

/// The size of `db/reserved`, which garbage collection frees to have room to work in.
pub const DEFAULT_RESERVED_SIZE: u64 = 8 * 1024 * 1024;

/// How garbage is collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GcSettings {
    /// The setting `keep-outputs`: derivations keep their outputs.
    pub keep_outputs: bool,
    /// The setting `keep-derivations`: paths keep the derivations that made them.
    pub keep_derivations: bool,
    /// The setting `min-free`: garbage is collected when fewer bytes are free. Zero: never.
    pub min_free: u64,
    /// The setting `max-free`: that is done until so many bytes are free.
    pub max_free: u64,
    /// The setting `min-free-check-interval`: at least so many seconds pass before it is looked again.
    pub check_interval: u64,
}

impl Default for GcSettings {
    fn default() -> Self {
        GcSettings {
            keep_outputs: false,
            keep_derivations: true,
            min_free: 0,
            max_free: u64::MAX,
            check_interval: 5,
        }
    }
}

/// Everything that decides where a store is and how it is kept. Settings and environment variables are
/// read by whoever fills this in.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The folder that all paths name: part of every hash.
    pub store_dir: StoreDir,
    /// The folder that the objects are in; another one only if the store is not at its place.
    pub real_store_dir: PathBuf,
    /// Database, profiles, roots: `/nix/var/nix`.
    pub state_dir: PathBuf,
    /// Logs of builds: `/nix/var/log/nix`.
    pub log_dir: PathBuf,
    /// The setting `use-sqlite-wal`.
    pub use_sqlite_wal: bool,
    /// The setting `fsync-metadata`: the database survives a power cut.
    pub fsync_metadata: bool,
    /// Data is on disk before it is registered, so that a power cut leaves no valid path without it.
    pub sync_before_registering: bool,
    /// The setting `gc-reserved-space`.
    pub reserved_size: u64,
    /// How garbage is collected.
    pub gc: GcSettings,
    /// The setting `auto-optimise-store`: equal files become one when they are added.
    pub auto_optimise: bool,
    /// The setting `allow-symlinked-store`.
    pub allow_symlinked_store: bool,
    /// What is added although it is valid already is compared with what is there, and put right.
    pub repair: bool,
    /// Nothing is written. A store that does not exist is an empty one.
    pub read_only: bool,
}

impl StoreConfig {
    /// The store that is at its place, with its state in `state_dir` and logs in `log_dir`.
    pub fn new(store_dir: StoreDir, state_dir: impl Into<PathBuf>, log_dir: impl Into<PathBuf>) -> Self {
        StoreConfig {
            real_store_dir: PathBuf::from(store_dir.as_str()),
            store_dir,
            state_dir: state_dir.into(),
            log_dir: log_dir.into(),
            use_sqlite_wal: true,
            fsync_metadata: true,
            sync_before_registering: true,
            reserved_size: DEFAULT_RESERVED_SIZE,
            gc: GcSettings::default(),
            auto_optimise: false,
            allow_symlinked_store: false,
            repair: false,
            read_only: false,
        }
    }

    /// The store `/nix/store` below another root, as `--store /root` has it.
    pub fn below(root: &Path) -> Self {
        StoreConfig {
            real_store_dir: root.join("nix/store"),
            ..Self::new(
                StoreDir::default(),
                root.join("nix/var/nix"),
                root.join("nix/var/log/nix"),
            )
        }
    }
}
