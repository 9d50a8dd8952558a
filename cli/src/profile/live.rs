//! The profile on the screen while it is recorded.
//!
//! Evaluation goes on in its thread and hands over a profile now and then; another thread reads keys and draws. When the
//! evaluation is done the last profile stays until the user has seen enough.

mod guard;
mod held;
mod sources;
mod terminal;
mod view;

use super::table::Order;
use crate::failure::{Failure, Result};
use crate::interrupt::interrupted;
pub(crate) use guard::run_if_asked;
use nivis_eval::profile::{Audience, Profile};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sources::Sources;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use terminal::{Key, Terminal};
use view::{Outcome, View};

/// How often a profile is handed over.
const INTERVAL: Duration = Duration::from_millis(250);
/// How long to wait for a key before looking for a new profile.
const PATIENCE: Duration = Duration::from_millis(100);

/// What the two threads share.
#[derive(Default)]
struct Shared {
    profile: Option<Arc<Profile>>,
    is_done: bool,
    /// Whether the evaluation ended in a way that leaves nothing to show.
    is_abandoned: bool,
    /// Whether the user closed the view.
    is_closed: bool,
}

/// The view.
pub(super) struct Screen {
    shared: Arc<Mutex<Shared>>,
    /// Draws, until it is waited for.
    thread: Option<JoinHandle<()>>,
}

impl Screen {
    /// Opens the view; the audience is for the evaluator.
    pub(super) fn open(order: Order) -> Result<(Screen, Audience)> {
        let failed = |error: std::io::Error| Failure::Plain(format!("--live needs a terminal: {error}"));
        let terminal = Terminal::open().map_err(failed)?;
        let shared = Arc::new(Mutex::new(Shared::default()));
        let theirs = shared.clone();
        let thread = std::thread::Builder::new()
            .spawn(move || run(terminal, View::new(order), &theirs))
            .map_err(failed)?;
        let ours = shared.clone();
        let audience = Audience {
            interval: INTERVAL,
            show: Box::new(move |profile| {
                let mut shared = lock(&ours);
                shared.profile = Some(Arc::new(profile));
                !shared.is_closed
            }),
        };
        let thread = Some(thread);
        Ok((Screen { shared, thread }, audience))
    }

    /// Shows the last profile until the user closes the view.
    pub(super) fn linger(mut self, profile: &Profile) {
        {
            let mut shared = lock(&self.shared);
            shared.profile = Some(Arc::new(profile.clone()));
            shared.is_done = true;
        }
        self.wait();
    }

    fn wait(&mut self) {
        if let Some(thread) = self.thread.take() {
            // If it panicked there is nothing to wait for.
            let _ = thread.join();
        }
    }
}

/// When the evaluation unwinds, the terminal must be restored before the program ends.
impl Drop for Screen {
    fn drop(&mut self) {
        lock(&self.shared).is_abandoned = true;
        self.wait();
    }
}

fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads keys and draws, until the user closes the view or interrupts the evaluation.
fn run(mut terminal: Terminal, mut view: View, shared: &Mutex<Shared>) {
    let mut sources = Sources::default();
    let empty = Arc::new(Profile::default());
    loop {
        let (profile, is_done, is_abandoned) = {
            let shared = lock(shared);
            (
                shared.profile.clone().unwrap_or_else(|| empty.clone()),
                shared.is_done,
                shared.is_abandoned,
            )
        };
        if is_abandoned || interrupted() {
            break;
        }
        let lines = view.draw(&profile, &mut sources, is_done, terminal.size());
        if terminal.draw(&lines).is_err() {
            break;
        }
        match terminal.key(PATIENCE) {
            Ok(Some(Key::Interrupt)) => {
                drop(terminal);
                lock(shared).is_closed = true;
                // The thread that waits for signals does the rest.
                let _ = kill(Pid::this(), Signal::SIGINT);
                return;
            }
            Ok(Some(key)) => {
                if view.press(key, &profile) == Outcome::Close {
                    break;
                }
            }
            Ok(None) => {}
            Err(_) => break,
        }
    }
    lock(shared).is_closed = true;
}
