//! `--debug-shell`: when a builder fails, a shell in its sandbox, on this terminal.

use super::clean_text;
use crate::log::Logger;
use crate::report;
use nivis_builder::events::{Event, Observer};
use nivis_builder::{BuildFailure, Kept};
use nivis_eval::host::Level;
use nivis_store::path::{StoreDir, StorePath};
use std::io;
use std::os::fd::AsFd;

/// Shows as another does, and opens shells.
pub(super) struct Debug {
    shown: Box<dyn Observer>,
    logger: Logger,
    store_dir: StoreDir,
}

impl Debug {
    pub(super) fn new(shown: Box<dyn Observer>, logger: Logger, store_dir: StoreDir) -> Debug {
        Debug {
            shown,
            logger,
            store_dir,
        }
    }
}

impl Observer for Debug {
    fn event(&mut self, event: Event<'_>) {
        self.shown.event(event);
    }

    fn shows_logs(&self) -> bool {
        self.shown.shows_logs()
    }

    fn wants_ticks(&self) -> bool {
        self.shown.wants_ticks()
    }

    /// Other builds go on meanwhile, as far as they get without anybody reading what they write.
    fn debug(&mut self, drv: &StorePath, failure: &BuildFailure, kept: &mut Kept) {
        let logger = self.logger;
        // The end of the log comes with the failure once more, when all is over.
        let text = clean_text(&failure.to_string(), logger.style.colour);
        logger.message(Level::Error, &report::plain(&text, logger.style));
        let drv = self.store_dir.print(drv);
        let text = format!("this shell is where '{drv}' failed; leave it with 'exit' or Ctrl-D");
        logger.message(Level::Notice, &text);
        // Standard output is for paths alone.
        if let Err(failure) = kept.run_shell(io::stdin().as_fd(), io::stderr().as_fd()) {
            logger.message(Level::Error, &report::plain(&failure.to_string(), logger.style));
        }
    }
}
