//! Locks between processes, by `flock` on files, with the protocol of C++ Nix.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::StoreError;
use crate::io_error::IoError;
use crate::notify::Notify;

/// How long nothing is said of waiting.
const SILENCE: Duration = Duration::from_secs(10);

/// Open a lock file, and make it if it is not there.
pub(crate) fn open_lock_file(path: &Path) -> Result<File, IoError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|error| IoError::at("opening lock file", path, error))
}

/// Who else may have the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockKind {
    /// Others that share it.
    Shared,
    /// Nobody.
    Exclusive,
}

/// Take a lock if nobody has it.
pub(crate) fn try_lock(file: &File, path: &Path, kind: LockKind) -> Result<bool, IoError> {
    let result = match kind {
        LockKind::Shared => file.try_lock_shared(),
        LockKind::Exclusive => file.try_lock(),
    };
    match result {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(IoError::at("locking", path, error)),
    }
}

/// Take a lock, however long it takes; `message` is said if it takes long.
///
/// Asks again and again, and does not wait inside of the system, where nobody could interrupt it.
pub(crate) fn lock(
    file: &File,
    path: &Path,
    kind: LockKind,
    notify: &Notify,
    message: &str,
) -> Result<(), StoreError> {
    let mut waiting = Waiting::new(message, SILENCE);
    while !try_lock(file, path, kind)? {
        waiting.pause(notify)?;
    }
    Ok(())
}

/// What is said while the lock of garbage collection is waited for.
pub(crate) const GC_LOCK_MESSAGE: &str = "waiting for the big garbage collector lock...";

/// Waiting for others, with longer and longer pauses. A message says so now and then: whoever watches for silence
/// must not think that the process hangs.
pub(crate) struct Waiting<'m> {
    message: &'m str,
    start: Instant,
    next_message: Duration,
    pause: Duration,
}

impl<'m> Waiting<'m> {
    /// Begin to wait; nothing is said for a while.
    pub(crate) fn new(message: &'m str, silence: Duration) -> Self {
        Waiting {
            message,
            start: Instant::now(),
            next_message: silence,
            pause: Duration::from_millis(1),
        }
    }

    /// Wait a moment. Fails if the user asked to stop.
    pub(crate) fn pause(&mut self, notify: &Notify) -> Result<(), StoreError> {
        notify.check_interrupt()?;
        let waited = self.start.elapsed();
        if waited >= self.next_message {
            self.next_message = waited + SILENCE;
            notify.say(self.message);
        }
        std::thread::sleep(self.pause);
        self.pause = (self.pause * 2).min(Duration::from_millis(50));
        Ok(())
    }
}

/// The name of the lock file of a path.
pub(crate) fn lock_name(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// Exclusive locks on paths that are being made. The lock files go away with the value.
#[derive(Debug, Default)]
pub struct PathLocks {
    held: Vec<(File, PathBuf)>,
}

impl PathLocks {
    /// Lock all of `paths`, or none if somebody has one of them. Does not wait.
    pub fn try_lock(paths: &BTreeSet<PathBuf>) -> Result<Option<Self>, StoreError> {
        let mut locks = PathLocks::default();
        for path in paths {
            let name = lock_name(path);
            loop {
                let file = open_lock_file(&name)?;
                if !try_lock(&file, &name, LockKind::Exclusive)? {
                    return Ok(None);
                }
                if !is_stale(&file, &name)? {
                    locks.held.push((file, name));
                    break;
                }
            }
        }
        Ok(Some(locks))
    }

    /// Lock all of `paths`, always in the same order, so that two processes cannot wait for one another.
    pub fn lock(paths: &BTreeSet<PathBuf>, notify: &Notify) -> Result<Self, StoreError> {
        let message = |path: &Path| format!("waiting for lock on \"{}\"", path.display());
        Self::lock_saying(paths, notify, message)
    }

    /// As [`PathLocks::lock`], with another message.
    pub(crate) fn lock_saying(
        paths: &BTreeSet<PathBuf>,
        notify: &Notify,
        message: impl Fn(&Path) -> String,
    ) -> Result<Self, StoreError> {
        let mut locks = PathLocks::default();
        for path in paths {
            let name = lock_name(path);
            loop {
                let file = open_lock_file(&name)?;
                lock(&file, &name, LockKind::Exclusive, notify, &message(path))?;
                if !is_stale(&file, &name)? {
                    locks.held.push((file, name));
                    break;
                }
            }
        }
        Ok(locks)
    }
}

/// Whether a lock file was removed: whoever does that writes to it, for those who have it open already.
fn is_stale(file: &File, name: &Path) -> Result<bool, IoError> {
    let metadata = file.metadata();
    let metadata = metadata.map_err(|error| IoError::at("getting status of", name, error))?;
    Ok(metadata.len() > 0)
}

impl Drop for PathLocks {
    fn drop(&mut self) {
        for (file, name) in &mut self.held {
            // A lock file that stays does no harm.
            let _ = fs::remove_file(name);
            let _ = file.write_all(b"d");
        }
    }
}
