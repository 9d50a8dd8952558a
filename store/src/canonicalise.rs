//! Metadata as everything in the store has it: modes 444 and 555, modified at second 1, owned by whoever keeps
//! the store, without extended attributes and access control lists.
//!
//! A build may leave anything behind, such as a hard link to a file of somebody else, which would become readable
//! to all. So who owns a file is looked at before anything else is done with it, and a folder is taken away from
//! the build before what is in it is looked at. Nobody else must be able to write where the tree lies.

use std::ffi::CStr;
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::ops::RangeInclusive;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use nix::sys::stat::{UtimensatFlags, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{getegid, geteuid};
use rustc_hash::FxHashSet;
use rustix::fs::{IFlags, ioctl_getflags, llistxattr, lremovexattr};
use rustix::io::Errno;

use crate::io_error::IoError;

/// When everything in the store was modified, in seconds: not zero, which some programs take for "none".
pub const STORE_MTIME: i64 = 1;

/// The extended attributes that stay unless a setting says otherwise: those that nobody can remove.
pub const IGNORED_ATTRIBUTES: [&str; 3] = ["security.csm", "security.selinux", "system.nfs4_acl"];

/// Why metadata cannot be what the store wants.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum CanonicaliseError {
    #[error("invalid ownership on file \"{}\"", .0.display())]
    Owner(PathBuf),
    #[error("file \"{}\" has an unsupported type", .0.display())]
    Type(PathBuf),
    #[error("{0}; it is immutable, which 'chattr -i' can end")]
    Immutable(IoError),
    #[error(transparent)]
    Io(#[from] IoError),
}

/// Brings trees into the form of the store.
#[derive(Clone, Debug)]
pub struct Canonicaliser {
    owners: Option<RangeInclusive<u32>>,
    ignored: Vec<String>,
    /// Files that are done, by device and inode: hard links within a build are met more than once.
    seen: FxHashSet<(u64, u64)>,
}

/// Bring one tree into the form of the store. With `owners`, nothing in it may belong to anybody else.
pub fn canonicalise(path: &Path, owners: Option<RangeInclusive<u32>>) -> Result<(), CanonicaliseError> {
    Canonicaliser::new(owners).run(path)
}

impl Canonicaliser {
    /// With `owners`, nothing in the trees may belong to anybody else. Trees that may share hard links, such as the
    /// outputs of one build, go through one and the same.
    pub fn new(owners: Option<RangeInclusive<u32>>) -> Self {
        Canonicaliser {
            owners,
            ignored: IGNORED_ATTRIBUTES.map(String::from).to_vec(),
            seen: FxHashSet::default(),
        }
    }

    /// The setting `ignored-acls`: extended attributes that stay.
    #[must_use]
    pub fn ignoring(self, attributes: impl IntoIterator<Item = String>) -> Self {
        Canonicaliser {
            ignored: attributes.into_iter().collect(),
            ..self
        }
    }

    /// Bring a file, or a folder and all that is in it, into the form of the store.
    pub fn run(&mut self, path: &Path) -> Result<(), CanonicaliseError> {
        let mut open = vec![path.to_owned()];
        while let Some(path) = open.pop() {
            if self.one(&path)?.is_dir() {
                let at = |error| IoError::at("reading directory", &path, error);
                for entry in fs::read_dir(&path).map_err(at)? {
                    open.push(entry.map_err(at)?.path());
                }
            }
        }
        Ok(())
    }

    fn one(&mut self, path: &Path) -> Result<Metadata, CanonicaliseError> {
        let metadata = path
            .symlink_metadata()
            .map_err(|error| IoError::at("getting status of", path, error))?;
        let inode = (metadata.dev(), metadata.ino());
        if let Some(owners) = &self.owners
            && !owners.contains(&metadata.uid())
        {
            if metadata.is_dir() || !self.seen.contains(&inode) {
                return Err(CanonicaliseError::Owner(path.to_owned()));
            }
            return Ok(metadata);
        }
        let file_type = metadata.file_type();
        if !(file_type.is_file() || file_type.is_dir() || file_type.is_symlink()) {
            return Err(CanonicaliseError::Type(path.to_owned()));
        }
        self.remove_attributes(path, &metadata)?;
        set_mode_and_time(path, &metadata)?;
        // Last, for who owns a file may change its mode.
        let (user, group) = (geteuid().as_raw(), getegid().as_raw());
        if metadata.uid() != user {
            lchown(path, Some(user), Some(group))
                .map_err(|error| failed("changing owner of", path, error))?;
        }
        self.seen.insert(inode);
        Ok(metadata)
    }

    fn remove_attributes(&self, path: &Path, metadata: &Metadata) -> Result<(), CanonicaliseError> {
        for name in attributes(path)? {
            let text = name.to_string_lossy();
            if self.ignored.iter().any(|ignored| *ignored == text) {
                continue;
            }
            let mut removed = lremovexattr(path, &*name);
            if removed == Err(Errno::ACCESS) && !metadata.is_symlink() {
                // Attributes of users are for those who may write the file.
                let writable = Permissions::from_mode(metadata.mode() & 0o777 | 0o200);
                let _ = fs::set_permissions(path, writable);
                removed = lremovexattr(path, &*name);
            }
            match removed {
                Ok(()) | Err(Errno::NODATA) => {}
                Err(errno) => {
                    let action = format!("removing extended attribute '{text}' from");
                    return Err(failed(&action, path, errno.into()));
                }
            }
        }
        Ok(())
    }
}

/// Let files that are made in a folder not inherit an access control list from it.
pub(crate) fn remove_inherited_lists(folder: &Path) {
    for name in [c"system.posix_acl_default", c"system.posix_acl_access"] {
        // Most often there is none, or no such thing on this file system.
        let _ = lremovexattr(folder, name);
    }
}

/// The names of a file's extended attributes.
fn attributes(path: &Path) -> Result<Vec<std::ffi::CString>, IoError> {
    let mut names = vec![0_u8; 256];
    loop {
        match llistxattr(path, names.as_mut_slice()) {
            Ok(length) => {
                let names = names[..length].split_inclusive(|&byte| byte == 0);
                return Ok(names
                    .filter_map(|name| CStr::from_bytes_with_nul(name).ok().map(CStr::to_owned))
                    .collect());
            }
            Err(Errno::RANGE) => names.resize(names.len() * 4, 0),
            Err(Errno::NOTSUP | Errno::NODATA) => return Ok(vec![]),
            Err(errno) => {
                return Err(IoError::at("querying extended attributes of", path, errno.into()));
            }
        }
    }
}

fn set_mode_and_time(path: &Path, metadata: &Metadata) -> Result<(), CanonicaliseError> {
    let mode = metadata.mode() & 0o7777;
    let executable = metadata.is_dir() || mode & 0o100 != 0;
    let wanted = if executable { 0o555 } else { 0o444 };
    // Removing attributes may have changed the mode, and metadata is from before.
    let now = path.symlink_metadata().map_or(mode, |now| now.mode() & 0o7777);
    if !metadata.is_symlink() && now != wanted {
        fs::set_permissions(path, Permissions::from_mode(wanted))
            .map_err(|error| failed("changing mode of", path, error))?;
    }
    if (metadata.mtime(), metadata.mtime_nsec()) != (STORE_MTIME, 0) {
        let flags = UtimensatFlags::NoFollowSymlink;
        let time = TimeSpec::new(STORE_MTIME, 0);
        utimensat(nix::fcntl::AT_FDCWD, path, &TimeSpec::UTIME_OMIT, &time, flags)
            .map_err(|errno| failed("changing modification time of", path, errno.into()))?;
    }
    Ok(())
}

fn failed(action: &str, path: &Path, error: io::Error) -> CanonicaliseError {
    let denied = error.kind() == io::ErrorKind::PermissionDenied;
    let error = IoError::at(action, path, error);
    match denied && is_immutable(path) {
        true => CanonicaliseError::Immutable(error),
        false => CanonicaliseError::Io(error),
    }
}

fn is_immutable(path: &Path) -> bool {
    path.symlink_metadata()
        .is_ok_and(|metadata| metadata.is_file() || metadata.is_dir())
        && fs::File::open(path)
            .ok()
            .and_then(|file| ioctl_getflags(file).ok())
            .is_some_and(|flags| flags.contains(IFlags::IMMUTABLE))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.symlink_metadata().unwrap().mode() & 0o7777
    }

    #[test]
    fn modes_times_and_attributes_become_those_of_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("out");
        fs::create_dir(&root).unwrap();
        fs::create_dir(root.join("empty")).unwrap();
        symlink("/nowhere", root.join("link")).unwrap();
        for (name, mode) in [
            ("data", 0o600),
            ("run", 0o4711),
            ("none", 0o000),
            ("group", 0o2670),
        ] {
            fs::write(root.join(name), name).unwrap();
            fs::set_permissions(root.join(name), Permissions::from_mode(mode)).unwrap();
        }
        fs::hard_link(root.join("data"), root.join("again")).unwrap();
        let flags = rustix::fs::XattrFlags::empty();
        let marked = rustix::fs::lsetxattr(root.join("data"), "user.mark", b"x", flags).is_ok();

        let us = geteuid().as_raw();
        canonicalise(&root, Some(us..=us)).unwrap();

        for (name, expected) in [
            ("", 0o555),
            ("empty", 0o555),
            ("data", 0o444),
            ("again", 0o444),
            ("run", 0o555),
            ("none", 0o444),
            ("group", 0o444),
        ] {
            assert_eq!(mode(&root.join(name)), expected, "{name}");
        }
        for name in ["", "empty", "data", "run", "link"] {
            let metadata = root.join(name).symlink_metadata().unwrap();
            assert_eq!((metadata.mtime(), metadata.mtime_nsec()), (1, 0), "{name}");
        }
        if marked {
            assert!(attributes(&root.join("data")).unwrap().is_empty());
        }
        fs::set_permissions(&root, Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn attributes_can_be_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        let flags = rustix::fs::XattrFlags::empty();
        for name in ["user.keep", "user.go"] {
            if rustix::fs::lsetxattr(&file, name, b"x", flags).is_err() {
                return;
            }
        }
        let mut canonicaliser = Canonicaliser::new(None).ignoring(["user.keep".to_owned()]);
        canonicaliser.run(&file).unwrap();
        assert_eq!(attributes(&file).unwrap(), [c"user.keep".to_owned()]);
    }

    #[test]
    fn files_of_others_are_refused_before_they_are_touched() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("out");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("foreign"), "secret").unwrap();
        fs::set_permissions(root.join("foreign"), Permissions::from_mode(0o600)).unwrap();
        let us = geteuid().as_raw();
        let error = canonicalise(&root.join("foreign"), Some(us + 1..=us + 9)).unwrap_err();
        assert!(matches!(error, CanonicaliseError::Owner(_)), "{error}");
        assert_eq!(mode(&root.join("foreign")), 0o600);
        let error = canonicalise(&root, Some(us + 1..=us + 9)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("invalid ownership on file \"{}\"", root.display())
        );
    }

    /// As root, what a build user owned is taken over, and met again by a hard link.
    #[test]
    fn hard_links_within_a_build_are_met_twice() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("out");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("a"), "x").unwrap();
        fs::hard_link(root.join("a"), root.join("b")).unwrap();
        let builder = 30_001;
        for path in [&root, &root.join("a")] {
            if lchown(path, Some(builder), Some(builder)).is_err() {
                return;
            }
        }
        canonicalise(&root, Some(builder..=builder)).unwrap();
        assert_eq!(root.join("b").metadata().unwrap().uid(), geteuid().as_raw());
        // A link to a file that was the keeper's before is not one of the build's.
        fs::create_dir(folder.path().join("second")).unwrap();
        fs::hard_link(root.join("a"), folder.path().join("second/c")).unwrap();
        lchown(folder.path().join("second"), Some(builder), None).unwrap();
        let error = canonicalise(&folder.path().join("second"), Some(builder..=builder)).unwrap_err();
        assert!(matches!(error, CanonicaliseError::Owner(_)), "{error}");
    }

    #[test]
    fn sockets_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let _socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let error = canonicalise(&path, None).unwrap_err();
        assert!(error.to_string().ends_with("has an unsupported type"), "{error}");
    }
}
