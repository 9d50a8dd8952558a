//! Garbage collector roots: what must not be deleted, and why.
//!
//! Those that last are symlinks anywhere, known to the store by another symlink ([`persistent`]). Others are
//! what running processes use ([`runtime`]) or say that they need ([`crate::temp_roots`]).

pub(crate) mod persistent;
pub(crate) mod runtime;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::base32;
use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::files::{create_dirs, replace_symlink};
use crate::hash::{Hash, HashAlgorithm};
use crate::path::{StorePath, canonical};

/// What is kept, and by what: the path of a link, a file below `/proc`, or `{temp:PID}`.
pub type Roots = BTreeMap<StorePath, BTreeSet<Vec<u8>>>;

/// Make `link`, an absolute path, a symlink to `target` that keeps it from being collected.
///
/// A link that is there is replaced, if it is one into the store. Returns the link's canonical path.
pub(crate) fn add_perm_root(
    config: &StoreConfig,
    target: &StorePath,
    link: &Path,
) -> Result<PathBuf, StoreError> {
    let link = canonical(link.as_os_str().as_bytes())?;
    if config.store_dir.contains(&link) {
        return Err(StoreError::RootInStore(to_path(&link)));
    }
    let link = to_path(&link);
    if link.symlink_metadata().is_ok() {
        let into_store = std::fs::read_link(&link)
            .is_ok_and(|target| config.store_dir.contains(target.as_os_str().as_bytes()));
        if !into_store {
            return Err(StoreError::RootExists(link));
        }
    }
    if let Some(parent) = link.parent() {
        create_dirs(parent)?;
    }
    replace_symlink(Path::new(&config.store_dir.print(target)), &link)?;
    add_indirect_root(config, &link)?;
    Ok(link)
}

/// Tell the store of a link that keeps what it points to.
fn add_indirect_root(config: &StoreConfig, link: &Path) -> Result<(), StoreError> {
    let digest = Hash::of(HashAlgorithm::Sha1, link.as_os_str().as_bytes());
    let folder = config.state_dir.join("gcroots/auto");
    create_dirs(&folder)?;
    Ok(replace_symlink(
        link,
        &folder.join(base32::encode(digest.as_bytes())),
    )?)
}

fn to_path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}
