//! Signals that ask the program to stop.
//!
//! They are blocked in all threads, and the first thread waits for them. Evaluation looks at a flag now and then
//! and ends with an error; when the user insists the program ends at once.

use nix::sys::signal::{SigSet, Signal};
use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Whether the user asked to stop.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

fn signals() -> SigSet {
    SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP])
}

/// Blocks the signals in this thread and those it will start.
pub(crate) fn block() {
    // Without this a signal just kills the program, which is no worse than stopping.
    let _ = signals().thread_block();
}

/// Waits for signals for as long as the program runs.
pub(crate) fn wait() -> ! {
    let signals = signals();
    loop {
        match signals.wait() {
            Ok(signal) if INTERRUPTED.swap(true, Ordering::Relaxed) => {
                std::process::exit(128 + signal as i32);
            }
            Ok(_) => {}
            Err(_) => loop {
                std::thread::park();
            },
        }
    }
}
