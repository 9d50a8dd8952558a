//! A clock that says when it is time to look.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Becomes due again and again, until it is dropped.
pub(super) struct Ticker {
    due: Arc<AtomicBool>,
}

impl Ticker {
    /// Starts a thread that ticks so many times a second. Without a thread it is never due.
    pub(super) fn start(frequency: u32) -> Ticker {
        let due = Arc::new(AtomicBool::new(false));
        let shared = Arc::downgrade(&due);
        let interval = Duration::from_secs(1) / frequency.max(1);
        let thread = std::thread::Builder::new()
            .name("profile".to_owned())
            .stack_size(64 << 10);
        let _ = thread.spawn(move || {
            loop {
                std::thread::sleep(interval);
                match shared.upgrade() {
                    Some(due) => due.store(true, Ordering::Relaxed),
                    None => return,
                }
            }
        });
        Ticker { due }
    }

    /// Whether it ticked since it was last taken note of.
    #[inline(always)]
    pub(super) fn is_due(&self) -> bool {
        self.due.load(Ordering::Relaxed)
    }

    /// Takes note of a tick.
    pub(super) fn reset(&self) {
        self.due.store(false, Ordering::Relaxed);
    }
}
