//! What can go wrong with the store on disk.

use std::path::PathBuf;

use crate::canonicalise::CanonicaliseError;
use crate::content_address::ContentAddressError;
use crate::derivation::DerivationError;
use crate::io_error::{IoError, message};
use crate::local_store::gc::Alive;
use crate::nar::NarError;
use crate::path::PathError;

/// What can go wrong with the store on disk.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum StoreError {
    #[error("interrupted by the user")]
    Interrupted,
    #[error("path '{0}' is not valid")]
    NotValid(String),
    #[error("path '{0}' is not a valid store path")]
    NoSuchObject(String),
    #[error("cannot add '{0}': the store is opened read-only")]
    ReadOnly(String),
    #[error("cannot add path '{0}' to the Nix store because it claims to be content-addressed but isn't")]
    NotContentAddressed(String),
    #[error("cycle detected in the references of '{path}' from '{parent}'")]
    Cycle { path: String, parent: String },
    #[error("invalid-path entry for '{path}': {message}")]
    BadRow { path: String, message: String },
    #[error("current Nix store schema is version {found}, but I only support {supported}")]
    SchemaTooNew { found: u32, supported: u32 },
    #[error(
        "current Nix store schema is version {0}, which is too old: please upgrade it with an older Nix first"
    )]
    SchemaTooOld(u32),
    #[error("\"{}\" is corrupt", .0.display())]
    CorruptSchemaFile(PathBuf),
    #[error("Nix database directory \"{}\" is not writable: {}", path.display(), message(source))]
    DatabaseNotWritable { path: PathBuf, source: std::io::Error },
    #[error(
        "the path \"{}\" is a symlink; this is not allowed for the Nix store and its parent directories",
        .0.display()
    )]
    SymlinkedStore(PathBuf),
    #[error("creating a garbage collector root (\"{}\") in the Nix store is forbidden (are you running nix-build inside the store?)", .0.display())]
    RootInStore(PathBuf),
    #[error("cannot create symlink \"{}\"; already exists", .0.display())]
    RootExists(PathBuf),
    #[error("too many symbolic links encountered while resolving '{}'", .0.display())]
    TooManyLinks(PathBuf),
    #[error("{what} mismatch importing path '{path}';\n  specified: {specified}\n  got:       {found}")]
    Mismatch {
        what: &'static str,
        path: String,
        specified: String,
        found: String,
    },
    #[error(
        "remounting \"{}\" writable: its file system is read-only, and it is not a mount point of its own",
        .0.display()
    )]
    NotAMountPoint(PathBuf),
    #[error("cannot collect garbage: the store is opened read-only")]
    ReadOnlyCollection,
    #[error("{0}")]
    StillAlive(Box<Alive>),
    #[error("cannot delete current version of profile \"{}\"", .0.display())]
    CurrentGeneration(PathBuf),
    #[error("profile version {0} does not exist")]
    NoSuchGeneration(u64),
    #[error("no profile version older than the current ({0}) exists")]
    NoOlderGeneration(u64),
    #[error("Must keep at least one generation, otherwise the current one would be deleted")]
    MustKeepOne,
    #[error("hash of path '{path}' has changed from '{expected}' to '{found}'!")]
    Changed {
        path: String,
        expected: String,
        found: String,
    },
    #[error("input doesn't look like something created by 'nix-store --export'")]
    NotAnExport,
    #[error("Nix archive cannot be imported; wrong format")]
    WrongExportFormat,
    #[error("{0}")]
    BadRegistration(String),
    #[error("{0}")]
    Repair(String),
    #[error("invalid hash part")]
    BadHashPart,
    #[error("SQLite database \"{}\": No space left on device; 'nix-store --gc' frees some", .0.display())]
    DiskFull(PathBuf),
    #[error("SQLite database \"{}\": {source}", path.display())]
    Database {
        path: PathBuf,
        source: Box<rusqlite::Error>,
    },
    #[error(transparent)]
    Io(#[from] IoError),
    #[error(transparent)]
    Canonicalise(#[from] CanonicaliseError),
    #[error(transparent)]
    Nar(#[from] NarError),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error(transparent)]
    Derivation(#[from] DerivationError),
    #[error(transparent)]
    ContentAddress(#[from] ContentAddressError),
}
