//! A line on the terminal that tells how far a download is.

use crate::log::Logger;
use std::io::Write;
use std::time::{Duration, Instant};

/// Nothing is shown of what is over in that time.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often the line changes at most.
const INTERVAL: Duration = Duration::from_millis(100);

/// The progress of one download.
pub(super) struct Meter<'m> {
    url: &'m str,
    /// `None` if nobody looks.
    next: Option<Instant>,
    is_shown: bool,
    total: Option<u64>,
}

impl<'m> Meter<'m> {
    pub(super) fn new(logger: Logger, url: &'m str, total: Option<u64>) -> Meter<'m> {
        let is_watched = logger.style.rich && logger.verbosity >= crate::log::NORMAL;
        Meter {
            url,
            next: is_watched.then(|| Instant::now() + PATIENCE),
            is_shown: false,
            total,
        }
    }

    /// So many bytes are there.
    pub(super) fn update(&mut self, done: u64) {
        let now = Instant::now();
        if self.next.is_none_or(|next| now < next) {
            return;
        }
        self.next = Some(now + INTERVAL);
        self.is_shown = true;
        let mib = |bytes: u64| bytes as f64 / (1 << 20) as f64;
        let of = self
            .total
            .map(|total| format!("/{:.1}", mib(total)))
            .unwrap_or_default();
        let line = format!("\r\x1b[Kdownloading '{}' [{:.1}{of} MiB]", self.url, mib(done));
        // If the terminal is gone there is nobody to tell.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

impl Drop for Meter<'_> {
    fn drop(&mut self) {
        if self.is_shown {
            let _ = std::io::stderr().lock().write_all(b"\r\x1b[K");
        }
    }
}
