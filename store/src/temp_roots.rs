//! Temporary garbage collector roots: what this process needs until it ends.
//!
//! They are a file of the process, and while a garbage collection is going on, messages to the collector.
//! A path must become a root *before* the database is asked for it: otherwise it can be found valid and
//! deleted right afterwards.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustc_hash::FxHashSet;

use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::io_error::IoError;
use crate::locks::{GC_LOCK_MESSAGE, LockKind, Waiting, open_lock_file, try_lock};
use crate::notify::Notify;
use crate::path::{StoreDir, StorePath};
use crate::roots::Roots;

/// How long nothing is said of a collector that has the lock but does not answer.
const SOON: Duration = Duration::from_secs(3);

/// The roots of this process.
#[derive(Debug)]
pub(crate) struct TempRoots {
    store_dir: StoreDir,
    path: PathBuf,
    file: File,
    gc_lock: File,
    gc_lock_path: PathBuf,
    socket_path: PathBuf,
    socket: Option<UnixStream>,
    added: FxHashSet<StorePath>,
}

impl TempRoots {
    /// Make the file of this process.
    pub(crate) fn open(config: &StoreConfig) -> Result<Self, IoError> {
        let path = config
            .state_dir
            .join("temproots")
            .join(std::process::id().to_string());
        let file = loop {
            // What is there is from a process that had this number before.
            let _ = fs::remove_file(&path);
            let file = open_lock_file(&path)?;
            let locked = try_lock(&file, &path, LockKind::Exclusive)?;
            let size = file
                .metadata()
                .map_err(|error| IoError::at("getting status of", &path, error))?
                .len();
            // A collector may have removed the file before it was locked, and says so by writing to it.
            if locked && size == 0 {
                break file;
            }
        };
        let gc_lock_path = config.state_dir.join("gc.lock");
        Ok(TempRoots {
            store_dir: config.store_dir.clone(),
            path,
            file,
            gc_lock: open_lock_file(&gc_lock_path)?,
            gc_lock_path,
            socket_path: config.state_dir.join("gc-socket/socket"),
            socket: None,
            added: FxHashSet::default(),
        })
    }

    /// Make paths roots of this process. When this returns, no collector will delete them.
    pub(crate) fn add<'a>(
        &mut self,
        paths: impl IntoIterator<Item = &'a StorePath>,
        notify: &Notify,
    ) -> Result<(), StoreError> {
        let paths: Vec<_> = paths
            .into_iter()
            .filter(|path| !self.added.contains(*path))
            .collect();
        if paths.is_empty() {
            return Ok(());
        }
        let mut waiting = Waiting::new(GC_LOCK_MESSAGE, SOON);
        loop {
            if try_lock(&self.gc_lock, &self.gc_lock_path, LockKind::Shared)? {
                let written = self.append(&paths);
                self.gc_lock
                    .unlock()
                    .map_err(|error| IoError::at("unlocking", &self.gc_lock_path, error))?;
                written?;
                break;
            }
            if self.tell_collector(&paths)? {
                self.append(&paths)?;
                break;
            }
            waiting.pause(notify)?;
        }
        self.added.extend(paths.into_iter().cloned());
        Ok(())
    }

    /// Before a path becomes a lasting root, a collector that has begun since it became one of the process is told,
    /// for it may have looked for lasting roots already, and the process may end before it looks here.
    pub(crate) fn add_again(&mut self, path: &StorePath, notify: &Notify) -> Result<(), StoreError> {
        self.added.remove(path);
        self.add([path], notify)
    }

    fn append(&mut self, paths: &[&StorePath]) -> Result<(), IoError> {
        let mut text = Vec::with_capacity(paths.len() * 96);
        for path in paths {
            text.extend_from_slice(self.store_dir.print(path).as_bytes());
            text.push(0);
        }
        self.file
            .write_all(&text)
            .map_err(|error| IoError::at("writing to file", &self.path, error))
    }

    /// Tell the collector that is running of the roots; false if it has ended meanwhile.
    fn tell_collector(&mut self, paths: &[&StorePath]) -> Result<bool, IoError> {
        let told = self.converse(paths);
        match told {
            Ok(()) => Ok(true),
            Err(error) => {
                self.socket = None;
                match error.kind() {
                    io::ErrorKind::NotFound
                    | io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::UnexpectedEof => Ok(false),
                    _ => Err(IoError::at(
                        "talking to the garbage collector at",
                        &self.socket_path,
                        error,
                    )),
                }
            }
        }
    }

    fn converse(&mut self, paths: &[&StorePath]) -> io::Result<()> {
        let socket = match &mut self.socket {
            Some(socket) => socket,
            none => none.insert(with_short_path(&self.socket_path, |path| {
                UnixStream::connect(path)
            })?),
        };
        for path in paths {
            socket.write_all(format!("{}\n", self.store_dir.print(path)).as_bytes())?;
            // The answer means that the path is kept, or if it was being deleted, that it is gone now.
            socket.read_exact(&mut [0])?;
        }
        Ok(())
    }
}

/// Do something with a socket's path; by another name if it is too long for the system.
pub(crate) fn with_short_path<T>(path: &Path, work: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    /// The system's limit for paths of sockets.
    const LIMIT: usize = 107;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return work(path);
    };
    if path.as_os_str().len() <= LIMIT {
        return work(path);
    }
    let folder = File::open(folder)?;
    work(
        &Path::new("/proc/self/fd")
            .join(folder.as_raw_fd().to_string())
            .join(name),
    )
}

/// The temporary roots of all processes that live, by their files; files of others are deleted.
pub(crate) fn find(config: &StoreConfig, notify: &Notify, roots: &mut Roots) -> Result<(), StoreError> {
    let folder = config.state_dir.join("temproots");
    let at = |error| IoError::at("reading directory", &folder, error);
    for entry in fs::read_dir(&folder).map_err(at)? {
        notify.check_interrupt()?;
        let entry = entry.map_err(at)?;
        let path = entry.path();
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let mut file = match File::options().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(IoError::at("opening temporary roots file", &path, error).into()),
        };
        if try_lock(&file, &path, LockKind::Exclusive)? {
            // The process has ended. One that has just made the file sees by what is written that it must again.
            notify.say(&format!(
                "removing stale temporary roots file \"{}\"",
                path.display()
            ));
            let _ = fs::remove_file(&path);
            let _ = file.write_all(b"d");
            continue;
        }
        let mut contents = Vec::new();
        file.read_to_end(&mut contents)
            .map_err(|error| IoError::at("reading file", &path, error))?;
        // What does not end in a zero is still being written, by a process that waits for the collector.
        let complete = contents.iter().rposition(|byte| *byte == 0).unwrap_or(0);
        for root in contents[..complete].split(|byte| *byte == 0) {
            if let Ok(root) = config.store_dir.parse(root) {
                roots
                    .entry(root)
                    .or_default()
                    .insert(format!("{{temp:{pid}}}").into_bytes());
            }
        }
    }
    Ok(())
}

impl Drop for TempRoots {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
