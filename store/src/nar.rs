//! NAR archives: files, folders and symlinks as one stream of bytes that is always the same.
//!
//! Everything that has files tells a [`NarSink`] of them: [`walk()`] the file system, [`Node::walk`] a tree
//! in memory, [`parse`] an archive. [`NarWriter`] is the sink that makes an archive, [`Restorer`] the
//! one that makes files, [`Tee`] the one that does two things at once.

mod reader;
#[cfg(feature = "db")]
mod recording;
#[cfg(feature = "db")]
mod restore;
mod walk;
pub(crate) mod wire;
mod writer;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::io_error::IoError;

pub use reader::{parse, parse_node};
#[cfg(feature = "db")]
pub(crate) use recording::Recording;
#[cfg(feature = "db")]
pub(crate) use restore::seal_root;
#[cfg(feature = "db")]
pub use restore::{Restorer, restore_path};
pub use walk::walk;
pub use writer::{NarWriter, accept_all, dump_node, dump_path, hash_path};

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
    #[error("path '{}' is not a regular file", .0.display())]
    NotARegularFile(PathBuf),
    #[error("hashing files as git does is not supported")]
    GitHashing,
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

/// What files go to, in the order of an archive.
///
/// `name` is the name within the folder that was begun last, and empty for the root of the tree.
pub trait NarSink {
    /// A folder begins; what follows is in it.
    fn begin_directory(&mut self, name: &[u8]) -> Result<(), NarError>;
    /// The folder that was begun last is complete.
    fn end_directory(&mut self) -> Result<(), NarError>;
    /// A symbolic link.
    fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), NarError>;
    /// A file begins, of which `size` bytes will follow.
    fn begin_file(&mut self, name: &[u8], executable: bool, size: u64) -> Result<(), NarError>;
    /// More of the file.
    fn write(&mut self, data: &[u8]) -> Result<(), NarError>;
    /// The file is complete.
    fn end_file(&mut self) -> Result<(), NarError>;
}

impl<S: NarSink> NarSink for &mut S {
    fn begin_directory(&mut self, name: &[u8]) -> Result<(), NarError> {
        (**self).begin_directory(name)
    }

    fn end_directory(&mut self) -> Result<(), NarError> {
        (**self).end_directory()
    }

    fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), NarError> {
        (**self).symlink(name, target)
    }

    fn begin_file(&mut self, name: &[u8], executable: bool, size: u64) -> Result<(), NarError> {
        (**self).begin_file(name, executable, size)
    }

    fn write(&mut self, data: &[u8]) -> Result<(), NarError> {
        (**self).write(data)
    }

    fn end_file(&mut self) -> Result<(), NarError> {
        (**self).end_file()
    }
}

/// A sink that does nothing: for checking an archive.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSink;

impl NarSink for NoSink {
    fn begin_directory(&mut self, _name: &[u8]) -> Result<(), NarError> {
        Ok(())
    }

    fn end_directory(&mut self) -> Result<(), NarError> {
        Ok(())
    }

    fn symlink(&mut self, _name: &[u8], _target: &[u8]) -> Result<(), NarError> {
        Ok(())
    }

    fn begin_file(&mut self, _name: &[u8], _executable: bool, _size: u64) -> Result<(), NarError> {
        Ok(())
    }

    fn write(&mut self, _data: &[u8]) -> Result<(), NarError> {
        Ok(())
    }

    fn end_file(&mut self) -> Result<(), NarError> {
        Ok(())
    }
}

/// Tells two sinks of the same files.
#[derive(Debug)]
pub struct Tee<A, B>(pub A, pub B);

impl<A: NarSink, B: NarSink> NarSink for Tee<A, B> {
    fn begin_directory(&mut self, name: &[u8]) -> Result<(), NarError> {
        self.0.begin_directory(name)?;
        self.1.begin_directory(name)
    }

    fn end_directory(&mut self) -> Result<(), NarError> {
        self.0.end_directory()?;
        self.1.end_directory()
    }

    fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), NarError> {
        self.0.symlink(name, target)?;
        self.1.symlink(name, target)
    }

    fn begin_file(&mut self, name: &[u8], executable: bool, size: u64) -> Result<(), NarError> {
        self.0.begin_file(name, executable, size)?;
        self.1.begin_file(name, executable, size)
    }

    fn write(&mut self, data: &[u8]) -> Result<(), NarError> {
        self.0.write(data)?;
        self.1.write(data)
    }

    fn end_file(&mut self) -> Result<(), NarError> {
        self.0.end_file()?;
        self.1.end_file()
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
    /// A folder; names as [`parse`] accepts them.
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

    /// Tell `sink` of the tree.
    pub fn walk(&self, sink: &mut impl NarSink) -> Result<(), NarError> {
        self.walk_as(b"", sink)
    }

    fn walk_as(&self, name: &[u8], sink: &mut impl NarSink) -> Result<(), NarError> {
        match self {
            Node::File { executable, contents } => {
                sink.begin_file(name, *executable, contents.len() as u64)?;
                sink.write(contents)?;
                sink.end_file()
            }
            Node::Symlink(target) => sink.symlink(name, target),
            Node::Directory(entries) => {
                sink.begin_directory(name)?;
                for (name, child) in entries {
                    child.walk_as(name, sink)?;
                }
                sink.end_directory()
            }
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
