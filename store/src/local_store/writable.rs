//! A store that is mounted read-only, made writable for this process alone.
//!
//! Such a mount keeps others, root included, from changing the store by mistake. The remount happens in a
//! mount namespace of our own that passes nothing on to the one of the host.

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::geteuid;

use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::io_error::IoError;

/// Make the store writable for this thread and those that it starts, if it is not.
///
/// Only root can; whoever else may not write gets an error when writing.
pub(super) fn make_writable(config: &StoreConfig) -> Result<(), StoreError> {
    let store = config.real_store_dir.as_path();
    let at = |action: &str, errno: Errno| IoError::at(action, store, errno.into());
    if !geteuid().is_root() {
        return Ok(());
    }
    let state = statvfs(store).map_err(|errno| at("getting status of the file system of", errno))?;
    if !state.flags().contains(FsFlags::ST_RDONLY) {
        return Ok(());
    }
    let none: Option<&str> = None;
    let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
    unshare(CloneFlags::CLONE_NEWNS)
        .and_then(|()| mount(none, "/", none, private, none))
        .map_err(|errno| at("setting up a private mount namespace for", errno))?;
    let remount = MsFlags::MS_REMOUNT | MsFlags::MS_BIND;
    mount(none, store, Some("none"), remount, none).map_err(|errno| match errno {
        Errno::EINVAL => StoreError::NotAMountPoint(store.to_owned()),
        _ => at("remounting writable", errno).into(),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::LocalStore;
    use crate::notify::Notify;
    use crate::path::StoreDir;

    /// A thread with a mount namespace of its own stands for the host; nothing to see without root.
    #[test]
    fn a_read_only_mount_is_writable_only_for_us() {
        let none: Option<&str> = None;
        let private = MsFlags::MS_PRIVATE | MsFlags::MS_REC;
        if unshare(CloneFlags::CLONE_NEWNS)
            .and_then(|()| mount(none, "/", none, private, none))
            .is_err()
        {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let store = root.join("store");
        fs::create_dir(&store).unwrap();
        mount(Some(&store), &store, none, MsFlags::MS_BIND, none).unwrap();
        let read_only = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY;
        mount(none, &store, none, read_only, none).unwrap();

        let dir = StoreDir::new(store.to_str().unwrap()).unwrap();
        let config = StoreConfig::new(dir, root.join("var"), root.join("log"));
        let mounts = || fs::read_to_string("/proc/thread-self/mountinfo").unwrap();
        let before = mounts();
        std::thread::spawn(move || {
            let store = LocalStore::new(config, Notify::silent());
            store.add_text("text", b"x", &Default::default()).unwrap();
            store.flush().unwrap();
        })
        .join()
        .unwrap();
        assert_eq!(mounts(), before);
        assert_eq!(fs::read_dir(&store).unwrap().count(), 2);
        let error = fs::write(store.join("x"), "").unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
        nix::mount::umount(&store).unwrap();
    }
}
