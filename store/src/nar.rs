//! NAR archives: files, folders and symlinks as one stream of bytes that is always the same.
//!
//! [`writer`] makes archives of the file system or of a [`Node`], [`reader`] checks and takes them apart
//! into a [`NarSink`].

pub mod reader;
mod wire;
pub mod writer;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::io_error::IoError;

pub use reader::{Contents, NarSink, parse};
pub use writer::{accept_all, dump_node, dump_path, hash_path};

/// How deep folders may nest in an archive.
pub const MAX_DEPTH: usize = 64;

/// The longest name of a file in an archive.
pub const MAX_NAME_LEN: usize = 255;

/// The longest target of a symlink in an archive.
pub const MAX_TARGET_LEN: usize = 4095;

/// What can be wrong with an archive or with the tree that is to become one.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum NarError {
    #[error("bad archive: input doesn't look like a Nix archive")]
    NotAnArchive,
    #[error("bad archive: expected tag '{expected}', got '{actual}'")]
    UnexpectedTag { expected: &'static str, actual: String },
    #[error("bad archive: expected tag 'entry' or ')', got '{0}'")]
    ExpectedEntry(String),
    #[error("bad archive: unknown file type '{0}'")]
    UnknownType(String),
    #[error("bad archive: NAR contains invalid file name '{0}'")]
    InvalidName(String),
    #[error("bad archive: NAR directory is not sorted")]
    NotSorted,
    #[error("bad archive: NAR contains invalid symlink target")]
    InvalidTarget,
    #[error("bad archive: NAR directory nesting exceeds maximum depth of {MAX_DEPTH}")]
    TooDeep,
    #[error("string is too long")]
    StringTooLong,
    #[error("non-zero padding")]
    NonZeroPadding,
    #[error("unexpected end-of-file")]
    UnexpectedEnd,
    #[error("path '{}' does not exist", .0.display())]
    NotFound(PathBuf),
    #[error("file '{}' has an unsupported type", .0.display())]
    UnsupportedType(PathBuf),
    #[error("path '{}' exceeds maximum NAR directory depth of {MAX_DEPTH}", .0.display())]
    TreeTooDeep(PathBuf),
    #[error("file '{}' changed while it was read", .0.display())]
    Changed(PathBuf),
    #[error("path '{}' already exists", .0.display())]
    Exists(PathBuf),
    #[error(transparent)]
    Io(#[from] IoError),
}

/// The types of files that a filter is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileType {
    /// A file with contents.
    Regular,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A device, socket or pipe, of which there can be no archive.
    Unknown,
}

impl FileType {
    /// The name that the language has for it.
    pub const fn name(self) -> &'static str {
        match self {
            FileType::Regular => "regular",
            FileType::Directory => "directory",
            FileType::Symlink => "symlink",
            FileType::Unknown => "unknown",
        }
    }
}

impl From<std::fs::FileType> for FileType {
    fn from(found: std::fs::FileType) -> Self {
        if found.is_file() {
            FileType::Regular
        } else if found.is_dir() {
            FileType::Directory
        } else if found.is_symlink() {
            FileType::Symlink
        } else {
            FileType::Unknown
        }
    }
}

/// A tree of files in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A file.
    File {
        /// Whether it may be run.
        executable: bool,
        /// What is in it.
        contents: Vec<u8>,
    },
    /// A symbolic link to that target.
    Symlink(Vec<u8>),
    /// A folder; names as [`reader`] accepts them.
    Directory(BTreeMap<Vec<u8>, Node>),
}

impl Node {
    /// A file that cannot be run.
    pub fn file(contents: impl Into<Vec<u8>>) -> Self {
        Node::File {
            executable: false,
            contents: contents.into(),
        }
    }
}

/// Whether a file in an archive may have that name.
fn is_valid_name(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..")
        && name.len() <= MAX_NAME_LEN
        && memchr::memchr2(b'/', 0, name).is_none()
}

#[cfg(test)]
mod tests;
