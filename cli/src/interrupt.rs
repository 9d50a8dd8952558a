//! Signals that ask the program to stop, for good or for now.
//!
//! They are blocked in all threads, and the first thread waits for them. Evaluation looks at a flag now and then
//! and ends with an error; when the user insists the program ends at once. While builds run they are stopped before
//! the program stops for now.

use nivis_builder::realise::Control;
use nix::sys::signal::{SigSet, Signal, raise};
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// The signal that interrupted.
static SIGNAL: AtomicI32 = AtomicI32::new(0);
/// Whether builds run that must stop first.
static BUILDING: AtomicBool = AtomicBool::new(false);
/// Whether the program is to stop for now.
static SUSPEND: AtomicBool = AtomicBool::new(false);

/// Whether the user asked to stop.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// The status of a program that ended because the user asked it to, as shells name it.
pub(crate) fn status() -> Option<i32> {
    match SIGNAL.load(Ordering::Relaxed) {
        0 => None,
        signal => Some(128 + signal),
    }
}

/// Forgets that the user asked, when what was to be stopped has stopped and the program goes on.
pub(crate) fn clear() {
    INTERRUPTED.store(false, Ordering::Relaxed);
}

fn signals() -> SigSet {
    SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGTSTP])
}

/// Blocks the signals in this thread and those it will start.
pub(crate) fn block() {
    // Without this a signal just kills the program, which is no worse than stopping.
    let _ = signals().thread_block();
}

/// Lets the signals through in this thread again, for the program that is going to take this one's place.
pub(crate) fn unblock() {
    // If it fails that program cannot be interrupted, which is no reason not to run it.
    let _ = signals().thread_unblock();
}

/// Waits for signals for as long as the program runs.
pub(crate) fn wait() -> ! {
    let signals = signals();
    loop {
        match signals.wait() {
            Ok(Signal::SIGTSTP) if BUILDING.load(Ordering::Relaxed) => SUSPEND.store(true, Ordering::Relaxed),
            Ok(Signal::SIGTSTP) => stop(),
            Ok(signal) if INTERRUPTED.swap(true, Ordering::Relaxed) => {
                std::process::exit(128 + signal as i32);
            }
            Ok(signal) => SIGNAL.store(signal as i32, Ordering::Relaxed),
            Err(_) => loop {
                std::thread::park();
            },
        }
    }
}

/// Stops the program until somebody continues it.
fn stop() {
    // It cannot fail: the signal exists.
    let _ = raise(Signal::SIGSTOP);
}

/// What the signals say while builds run.
pub(crate) struct Signals(());

impl Signals {
    /// From now on builds are stopped first when the program is to stop for now.
    pub(crate) fn while_building() -> Signals {
        BUILDING.store(true, Ordering::Relaxed);
        Signals(())
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        BUILDING.store(false, Ordering::Relaxed);
    }
}

impl Control for Signals {
    fn interrupted(&self) -> bool {
        interrupted()
    }

    fn suspend(&self) -> bool {
        SUSPEND.swap(false, Ordering::Relaxed)
    }

    fn stop_here(&self) {
        stop();
    }
}
