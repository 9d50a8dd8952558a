//! The collector's side of temporary roots: a socket on which processes name the paths that they need while it
//! runs, and the list of paths that are being deleted right now.
//!
//! Who has an answer knows that the path will be kept, or that it is gone and must be made again. So a path
//! is either a root or pending, never both, and a process that names a pending path waits until it is gone.

use std::fs::{self, Permissions};
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::files::create_dirs;
use crate::io_error::IoError;
use crate::notify::{Level, Notify};
use crate::path::{HASH_PART_LEN, StoreDir, StorePath};
use crate::temp_roots::with_short_path;

/// Longer lines are no paths.
const MAX_LINE: u64 = 4096;

/// The digits of a path: a root also keeps its lock file and other names that begin with them.
type HashPart = [u8; HASH_PART_LEN];

fn hash_part(path: &StorePath) -> HashPart {
    let mut part = [0; HASH_PART_LEN];
    part.copy_from_slice(path.hash_part().as_bytes());
    part
}

/// What the collector and those who talk to it have in common.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    roots: FxHashSet<HashPart>,
    /// How many names that begin with these digits are being deleted.
    pending: FxHashMap<HashPart, usize>,
    /// How many wait for something that is pending.
    waiting: usize,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Make a path a root; if it is being deleted, wait until it is gone.
    pub(super) fn add_root(&self, path: &StorePath) {
        let part = hash_part(path);
        let mut state = self.state();
        state.roots.insert(part);
        state.waiting += 1;
        while state.pending.contains_key(&part) {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting -= 1;
    }

    /// Whether a path is a temporary root.
    pub(super) fn is_root(&self, path: &StorePath) -> bool {
        self.state().roots.contains(&hash_part(path))
    }

    /// Make all of the paths pending, unless one of them is a root.
    pub(super) fn doom<'p>(&self, paths: impl Iterator<Item = &'p StorePath> + Clone) -> bool {
        let mut state = self.state();
        if paths.clone().any(|path| state.roots.contains(&hash_part(path))) {
            return false;
        }
        for path in paths {
            *state.pending.entry(hash_part(path)).or_default() += 1;
        }
        true
    }

    /// Whether somebody waits for what is pending.
    pub(super) fn is_awaited(&self) -> bool {
        self.state().waiting > 0
    }

    /// A path is gone, or is to stay after all.
    pub(super) fn release(&self, path: &StorePath) {
        let mut state = self.state();
        let part = hash_part(path);
        if let Some(count) = state.pending.get_mut(&part) {
            *count -= 1;
            if *count == 0 {
                state.pending.remove(&part);
            }
        }
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    fn release_all(&self) {
        self.state().pending.clear();
        self.changed.notify_all();
    }
}

/// Listens on the socket until it is dropped.
pub(super) struct Server {
    shared: Arc<Shared>,
    place: PathBuf,
    /// Closing it ends the thread.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Begin to listen. The collector's lock is held: there is no other one.
    pub(super) fn start(
        config: &StoreConfig,
        shared: &Arc<Shared>,
        notify: &Notify,
    ) -> Result<Self, StoreError> {
        let place = config.state_dir.join("gc-socket/socket");
        let at = |error| IoError::at("cannot bind to socket", &place, error);
        create_dirs(place.parent().unwrap_or(Path::new("/")))?;
        match fs::remove_file(&place) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(error).into()),
            _ => {}
        }
        let listener = with_short_path(&place, |place| UnixListener::bind(place)).map_err(at)?;
        listener.set_nonblocking(true).map_err(at)?;
        fs::set_permissions(&place, Permissions::from_mode(0o666)).map_err(at)?;
        let (stopped, stop) = io::pipe().map_err(at)?;
        let accepting = Accepting {
            listener,
            stopped,
            client: Client {
                shared: shared.clone(),
                store_dir: config.store_dir.clone(),
                notify: notify.clone(),
            },
        };
        let thread = thread::Builder::new()
            .name("gc-roots".into())
            .spawn(move || accepting.run())
            .map_err(at)?;
        Ok(Server {
            shared: shared.clone(),
            place,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whoever comes now finds nobody and tries the lock again.
        let _ = fs::remove_file(&self.place);
        self.shared.release_all();
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Accepting {
    listener: UnixListener,
    stopped: PipeReader,
    client: Client,
}

impl Accepting {
    fn run(self) {
        let mut clients: Vec<(UnixStream, JoinHandle<()>)> = Vec::new();
        loop {
            let mut waiting = [
                PollFd::new(self.stopped.as_fd(), PollFlags::POLLIN),
                PollFd::new(self.listener.as_fd(), PollFlags::POLLIN),
            ];
            let _ = poll(&mut waiting, PollTimeout::NONE);
            if waiting[0].any() == Some(true) {
                break;
            }
            clients.retain(|(_, thread)| !thread.is_finished());
            // Whoever cannot be served hangs up and tries again.
            let Ok((stream, _)) = self.listener.accept() else {
                continue;
            };
            let served = stream.set_nonblocking(false).and_then(|()| {
                let own = stream.try_clone()?;
                let client = self.client.clone();
                let thread = thread::Builder::new().name("gc-client".into());
                Ok((own, thread.spawn(move || client.serve(stream))?))
            });
            clients.extend(served.ok());
        }
        for (stream, thread) in clients {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            let _ = thread.join();
        }
    }
}

#[derive(Clone)]
struct Client {
    shared: Arc<Shared>,
    store_dir: StoreDir,
    notify: Notify,
}

impl Client {
    fn serve(&self, stream: UnixStream) {
        let Ok(mut answers) = stream.try_clone() else {
            return;
        };
        let mut questions = BufReader::new(stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            match questions.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            match self.store_dir.parse(line.trim_ascii_end()) {
                Ok(path) => self.shared.add_root(&path),
                Err(_) => self
                    .notify
                    .tell(Level::Error, "received garbage instead of a root from client"),
            }
            if answers.write_all(b"1").is_err() {
                return;
            }
        }
    }
}
