//! The sink that makes files.
//!
//! Every name is opened relative to the folder it is in, never following a symlink, so whatever an archive
//! holds, nothing outside of the destination is touched.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::{Mode, UtimensatFlags, futimens, mkdirat, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::symlinkat;

use super::{NarError, NarSink, parse};
use crate::io_error::IoError;

/// The modification time of everything in the store: not zero, which some programs take for "none".
const STORE_MTIME: TimeSpec = TimeSpec::new(1, 0);

/// Read one archive from `source` and make its files at `root`, where nothing is yet.
///
/// If that fails, what was made until then stays.
pub fn restore_path(source: &mut impl Read, root: &Path) -> Result<(), NarError> {
    parse(source, &mut Restorer::new(root))
}

/// Makes the files it is told of at a path where nothing is yet.
#[derive(Debug)]
pub struct Restorer {
    /// Where the root of the tree will be.
    root: PathBuf,
    /// The folders that are open, outermost first, with their paths for error messages.
    open: Vec<(OwnedFd, PathBuf)>,
    file: Option<(File, PathBuf, bool)>,
    canonical: bool,
}

impl Restorer {
    /// Make the tree at `root`, with the permissions that the umask leaves.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Restorer {
            root: root.into(),
            open: Vec::new(),
            file: None,
            canonical: false,
        }
    }

    /// Make the tree as the store has it: modes 444 and 555, modified at second 1.
    ///
    /// The root itself, if a folder, stays writable, for without that it could not be renamed into
    /// another folder. That is for the caller to complete.
    pub fn for_store(root: impl Into<PathBuf>) -> Self {
        Restorer {
            canonical: true,
            ..Self::new(root)
        }
    }

    fn path(&self, name: &[u8]) -> PathBuf {
        match self.open.last() {
            Some((_, folder)) => folder.join(OsStr::from_bytes(name)),
            None => self.root.clone(),
        }
    }

    /// Do something with the folder that `name` is to be in, and with the name there.
    fn at<T>(
        &self,
        action: &str,
        name: &[u8],
        operation: impl FnOnce(std::os::fd::BorrowedFd<'_>, &Path) -> nix::Result<T>,
    ) -> Result<T, NarError> {
        let result = match self.open.last() {
            Some((folder, _)) => operation(folder.as_fd(), Path::new(OsStr::from_bytes(name))),
            None => operation(AT_FDCWD, &self.root),
        };
        result.map_err(|errno| match errno {
            Errno::EEXIST if action == "creating directory" => NarError::Exists(self.path(name)),
            _ => IoError::at(action, &self.path(name), errno.into()).into(),
        })
    }
}

impl NarSink for Restorer {
    fn begin_directory(&mut self, name: &[u8]) -> Result<(), NarError> {
        self.at("creating directory", name, |folder, name| {
            mkdirat(folder, name, Mode::from_bits_truncate(0o777))
        })?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let opened = self.at("opening directory", name, |folder, name| {
            openat(folder, name, flags, Mode::empty())
        })?;
        self.open.push((opened, self.path(name)));
        Ok(())
    }

    fn end_directory(&mut self) -> Result<(), NarError> {
        let Some((folder, path)) = self.open.pop() else {
            return Ok(());
        };
        if self.canonical && !self.open.is_empty() {
            seal(&File::from(folder), true).map_err(|error| IoError::at("changing mode of", &path, error))?;
        }
        Ok(())
    }

    fn symlink(&mut self, name: &[u8], target: &[u8]) -> Result<(), NarError> {
        let target = OsStr::from_bytes(target);
        let made = match self.open.last() {
            Some((folder, _)) => symlinkat(target, folder.as_fd(), Path::new(OsStr::from_bytes(name))),
            None => symlinkat(target, AT_FDCWD, &self.root),
        };
        made.map_err(|errno| {
            let action = format!("creating symlink \"{}\" ->", self.path(name).display());
            IoError::at(&action, Path::new(target), errno.into())
        })?;
        if self.canonical {
            self.at("changing modification time of", name, |folder, name| {
                let flags = UtimensatFlags::NoFollowSymlink;
                utimensat(folder, name, &TimeSpec::UTIME_NOW, &STORE_MTIME, flags)
            })?;
        }
        Ok(())
    }

    fn begin_file(&mut self, name: &[u8], executable: bool, _size: u64) -> Result<(), NarError> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mode = Mode::from_bits_truncate(if executable { 0o777 } else { 0o666 });
        let opened = self.at("creating file", name, |folder, name| {
            openat(folder, name, flags, mode)
        })?;
        self.file = Some((opened.into(), self.path(name), executable));
        Ok(())
    }

    fn write(&mut self, data: &[u8]) -> Result<(), NarError> {
        match &mut self.file {
            Some((file, path, _)) => Ok(file
                .write_all(data)
                .map_err(|error| IoError::at("writing to file", path, error))?),
            None => Ok(()),
        }
    }

    fn end_file(&mut self) -> Result<(), NarError> {
        let Some((file, path, executable)) = self.file.take() else {
            return Ok(());
        };
        if self.canonical {
            seal(&file, executable).map_err(|error| IoError::at("changing mode of", &path, error))?;
        }
        Ok(())
    }
}

/// Give an open file or folder the mode and time that everything in the store has.
fn seal(file: &File, executable: bool) -> std::io::Result<()> {
    file.set_permissions(Permissions::from_mode(if executable { 0o555 } else { 0o444 }))?;
    futimens(file, &TimeSpec::UTIME_NOW, &STORE_MTIME)?;
    Ok(())
}

/// Complete the root of a tree that [`Restorer::for_store`] made, once it is in its place.
pub(crate) fn seal_root(root: &Path) -> Result<(), IoError> {
    let at = |error| IoError::at("changing mode of", root, error);
    let metadata = root.symlink_metadata().map_err(at)?;
    if !metadata.is_dir() {
        return Ok(());
    }
    let folder = File::open(root).map_err(at)?;
    seal(&folder, true).map_err(at)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;
    use crate::nar::{Node, accept_all, dump_node, dump_path};

    fn archive(node: &Node) -> Vec<u8> {
        let mut out = Vec::new();
        dump_node(node, &mut out).unwrap();
        out
    }

    fn folder<const N: usize>(entries: [(&str, Node); N]) -> Node {
        Node::Directory(
            entries
                .into_iter()
                .map(|(name, node)| (name.into(), node))
                .collect(),
        )
    }

    fn example() -> Node {
        folder([
            (
                "dir",
                folder([
                    ("file", Node::file("x".repeat(200_000))),
                    ("none", Node::file("")),
                ]),
            ),
            ("link", Node::Symlink(b"/nowhere".to_vec())),
            (
                "run",
                Node::File {
                    executable: true,
                    contents: b"#!".to_vec(),
                },
            ),
        ])
    }

    #[test]
    fn what_is_restored_gives_the_same_archive() {
        let place = tempfile::tempdir().unwrap();
        for (index, node) in [
            example(),
            Node::file("x"),
            Node::Symlink(b"y".to_vec()),
            folder([]),
        ]
        .iter()
        .enumerate()
        {
            let bytes = archive(node);
            for canonical in [false, true] {
                let root = place.path().join(format!("{index}-{canonical}"));
                let mut sink = if canonical {
                    Restorer::for_store(&root)
                } else {
                    Restorer::new(&root)
                };
                parse(&mut bytes.as_slice(), &mut sink).unwrap();
                let mut again = Vec::new();
                dump_path(&root, &mut again, accept_all).unwrap();
                assert!(again == bytes);
                if canonical {
                    seal_root(&root).unwrap();
                    assert_eq!(root.symlink_metadata().unwrap().mtime(), 1);
                }
            }
        }
        crate::files::delete_path(place.path()).unwrap();
    }

    #[test]
    fn nothing_is_written_over() {
        let place = tempfile::tempdir().unwrap();
        for node in [example(), Node::file("x"), Node::Symlink(b"y".to_vec())] {
            for taken in ["file", "folder", "link"] {
                let root = place.path().join(taken);
                match taken {
                    "file" => fs::write(&root, "old").unwrap(),
                    "folder" => fs::create_dir_all(&root).unwrap(),
                    _ => drop(symlink(place.path().join("target"), &root)),
                }
                let error = restore_path(&mut archive(&node).as_slice(), &root).unwrap_err();
                let root = root.display();
                let expected = match &node {
                    Node::Directory(_) => format!("path '{root}' already exists"),
                    Node::File { .. } => format!("creating file \"{root}\": File exists"),
                    Node::Symlink(_) => format!("creating symlink \"{root}\" -> \"y\": File exists"),
                };
                assert_eq!(error.to_string(), expected);
            }
        }
        assert_eq!(fs::read(place.path().join("file")).unwrap(), b"old");
        assert!(!place.path().join("target").exists());
    }

    #[test]
    fn a_full_folder_and_a_missing_one() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("no/such");
        let error = restore_path(&mut archive(&example()).as_slice(), &root).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "creating directory \"{}\": No such file or directory",
                root.display()
            )
        );
    }

    #[test]
    fn a_tree_of_the_greatest_depth() {
        let place = tempfile::tempdir().unwrap();
        let mut node = Node::file("");
        for _ in 0..63 {
            node = Node::Directory(BTreeMap::from([(b"d".to_vec(), node)]));
        }
        let bytes = archive(&node);
        restore_path(&mut bytes.as_slice(), &place.path().join("root")).unwrap();
    }
}
