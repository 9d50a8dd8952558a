//! Temporary garbage collector roots: what this process needs until it ends.
//!
//! They are a file of the process, and while a garbage collection is going on, messages to the collector.
//! A path must become a root *before* the database is asked for it: otherwise it can be found valid and
//! deleted right afterwards.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use rustc_hash::FxHashSet;

use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::io_error::IoError;
use crate::locks::{LockKind, open_lock_file, try_lock};
use crate::notify::Notify;
use crate::path::{StoreDir, StorePath};

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
            notify.check_interrupt()?;
            std::thread::sleep(Duration::from_millis(20));
        }
        self.added.extend(paths.into_iter().cloned());
        Ok(())
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
            none => none.insert(UnixStream::connect(&self.socket_path)?),
        };
        for path in paths {
            socket.write_all(format!("{}\n", self.store_dir.print(path)).as_bytes())?;
            // The answer means that the path is kept, or if it was being deleted, that it is gone now.
            socket.read_exact(&mut [0])?;
        }
        Ok(())
    }
}

impl Drop for TempRoots {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
