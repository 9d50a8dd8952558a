//! Deleting trees from the store: how much that frees is counted, and nothing outside is followed to.
//!
//! Everything is named relative to open folders, so that a symlink that somebody puts in the way leads nowhere.

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, openat, renameat2};
use nix::sys::stat::{FileStat, Mode, SFlag, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use rustix::fs::{IFlags, ioctl_getflags};

use crate::error::StoreError;
use crate::io_error::IoError;
use crate::notify::Notify;

/// How many folders are open at once. What lies deeper is moved up first.
const MAX_DEPTH: usize = 100;

/// Delete what `name` is in the folder `parent`, whose path is `folder`; nothing there is fine.
///
/// Gives the sum of the sizes of the files that were deleted with their last name, or their last but one: that
/// one is probably in `.links`. What cannot be deleted is left, and the first error is returned at the end.
pub(crate) fn remove_tree(
    parent: BorrowedFd<'_>,
    folder: &Path,
    name: &Path,
    notify: &Notify,
) -> (u64, Result<(), StoreError>) {
    let mut remover = Remover {
        top: parent,
        deep: Vec::new(),
        notify,
        freed: 0,
        first_error: None,
    };
    let mut result = remover.remove(parent, name, folder.join(name), 0);
    while let (Ok(()), Some(deep)) = (&result, remover.deep.pop()) {
        let path = folder.join(&deep);
        result = remover.remove(parent, &deep, path, 0);
    }
    let result = result.and(match remover.first_error {
        Some(error) => Err(error.into()),
        None => Ok(()),
    });
    (remover.freed, result)
}

struct Remover<'a> {
    top: BorrowedFd<'a>,
    /// What was moved up.
    deep: Vec<PathBuf>,
    notify: &'a Notify,
    freed: u64,
    first_error: Option<IoError>,
}

impl Remover<'_> {
    fn remove(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &Path,
        path: PathBuf,
        depth: usize,
    ) -> Result<(), StoreError> {
        self.notify.check_interrupt()?;
        let status = match fstatat(parent, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(status) => status,
            Err(Errno::ENOENT) => return Ok(()),
            Err(errno) => return Err(IoError::at("getting status of", &path, errno.into()).into()),
        };
        let mut flags = UnlinkatFlags::NoRemoveDir;
        if is_folder(&status) {
            if depth == MAX_DEPTH && self.move_up(parent, name) {
                return Ok(());
            }
            self.empty(parent, name, &path, &status, depth)?;
            flags = UnlinkatFlags::RemoveDir;
        } else if status.st_nlink <= 2 {
            self.freed += u64::try_from(status.st_size).unwrap_or(0);
        }
        match unlinkat(parent, name, flags) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => {
                let source = match errno {
                    Errno::EPERM if is_immutable(parent, name) => io::Error::new(
                        io::ErrorKind::PermissionDenied,
                        format!(
                            "{}: it is marked immutable; 'chattr -i' takes the mark away",
                            errno.desc()
                        ),
                    ),
                    _ => errno.into(),
                };
                let error = IoError::at("cannot unlink", &path, source);
                self.first_error.get_or_insert(error);
            }
        }
        Ok(())
    }

    /// Delete what is in a folder.
    fn empty(
        &mut self,
        parent: BorrowedFd<'_>,
        name: &Path,
        path: &Path,
        status: &FileStat,
        depth: usize,
    ) -> Result<(), StoreError> {
        let at = |errno: Errno| IoError::at("opening directory", path, errno.into());
        if status.st_mode & 0o700 != 0o700 {
            make_accessible(parent, name, status.st_mode)
                .map_err(|error| IoError::at("changing mode of", path, error))?;
        }
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mut dir = Dir::openat(parent, name, flags, Mode::empty()).map_err(at)?;
        let mut names = Vec::new();
        for entry in dir.iter() {
            let entry = entry.map_err(at)?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(path_of(name).to_owned());
            }
        }
        for name in names {
            let path = path.join(&name);
            self.remove(dir.as_fd(), &name, path, depth + 1)?;
        }
        Ok(())
    }

    /// Move a folder that lies too deep to the top; whether that went well.
    fn move_up(&mut self, parent: BorrowedFd<'_>, name: &Path) -> bool {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        let new = PathBuf::from(format!(".deep-{}-{count}", std::process::id()));
        let moved = renameat2(parent, name, self.top, &new, RenameFlags::RENAME_NOREPLACE).is_ok();
        if moved {
            self.deep.push(new);
        }
        moved
    }
}

fn is_folder(status: &FileStat) -> bool {
    SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT == SFlag::S_IFDIR
}

/// Whether a file, or the folder that it is in, is marked so that not even root may change it.
fn is_immutable(parent: BorrowedFd<'_>, name: &Path) -> bool {
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let is_marked =
        |file: BorrowedFd<'_>| ioctl_getflags(file).is_ok_and(|found| found.contains(IFlags::IMMUTABLE));
    is_marked(parent) || openat(parent, name, flags, Mode::empty()).is_ok_and(|file| is_marked(file.as_fd()))
}

fn path_of(name: &[u8]) -> &Path {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(name))
}

/// Let the owner read and change a folder, and never what a symlink of that name points to.
fn make_accessible(parent: BorrowedFd<'_>, name: &Path, mode: u32) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let folder = File::from(openat(parent, name, flags, Mode::empty())?);
    let place = format!("/proc/self/fd/{}", folder.as_raw_fd());
    std::fs::set_permissions(place, Permissions::from_mode(mode & 0o7777 | 0o700))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn remove(folder: &Path, name: &str) -> u64 {
        let dir = File::open(folder).unwrap();
        let (freed, result) = remove_tree(dir.as_fd(), folder, Path::new(name), &Notify::silent());
        result.unwrap();
        freed
    }

    #[test]
    fn files_are_counted_and_links_not_followed() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        fs::create_dir_all(at("x/sub")).unwrap();
        fs::create_dir(at("outside")).unwrap();
        fs::write(at("outside/file"), "12345").unwrap();
        fs::write(at("x/one"), "123").unwrap();
        fs::write(at("x/sub/two"), "1234567").unwrap();
        symlink(at("outside"), at("x/sub/link")).unwrap();
        for name in ["x/sub/a", "x/sub/b", "c"] {
            fs::hard_link(at("outside/file"), at(name)).unwrap();
        }
        let link_size = at("outside").as_os_str().len() as u64;
        fs::set_permissions(at("x/sub"), Permissions::from_mode(0o555)).unwrap();
        fs::set_permissions(at("x"), Permissions::from_mode(0o111)).unwrap();
        // Of the file with four names, one is deleted when there are three, one when there are four.
        assert_eq!(remove(temp.path(), "x"), 3 + 7 + link_size);
        assert!(!at("x").exists());
        assert!(at("outside/file").exists());
        assert_eq!(remove(temp.path(), "c"), 5);
        assert_eq!(remove(temp.path(), "nothing"), 0);
    }

    #[test]
    fn deep_trees() {
        let temp = tempfile::tempdir().unwrap();
        let mut dir = File::open(temp.path()).unwrap();
        for _ in 0..350 {
            nix::sys::stat::mkdirat(&dir, "d", Mode::S_IRWXU).unwrap();
            dir = openat(&dir, "d", OFlag::O_RDONLY, Mode::empty()).unwrap().into();
        }
        remove(temp.path(), "d");
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
    }
}
