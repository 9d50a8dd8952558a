//! What the database knows of a valid path.

use std::collections::BTreeSet;

use crate::content_address::ContentAddress;
use crate::hash::Hash;
use crate::path::StorePath;

/// What the database knows of a valid path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathInfo {
    /// The path.
    pub path: StorePath,
    /// The sha256 of its archive.
    pub nar_hash: Hash,
    /// The size of its archive; zero if not known.
    pub nar_size: u64,
    /// The paths it refers to, perhaps itself.
    pub references: BTreeSet<StorePath>,
    /// The derivation it was built from.
    pub deriver: Option<StorePath>,
    /// When it was registered, in seconds; zero means now.
    pub registration_time: i64,
    /// Whether it was built here and is trusted without signatures.
    pub ultimate: bool,
    /// The signatures.
    pub signatures: BTreeSet<String>,
    /// What its name promises of its contents.
    pub content_address: Option<ContentAddress>,
}

impl PathInfo {
    /// A path of which nothing is known but its archive.
    pub fn new(path: StorePath, nar_hash: Hash, nar_size: u64) -> Self {
        PathInfo {
            path,
            nar_hash,
            nar_size,
            references: BTreeSet::new(),
            deriver: None,
            registration_time: 0,
            ultimate: false,
            signatures: BTreeSet::new(),
            content_address: None,
        }
    }
}
