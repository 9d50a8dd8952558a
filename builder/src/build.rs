//! One derivation from start to end: prepare, run, check, register.
//!
//! The caller holds the locks of the outputs, has made the inputs valid, and decides what is built when.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::BorrowedFd;
use std::time::Instant;

use nivis_store::LocalStore;
use nivis_store::derivation::Derivation;
use nivis_store::path::StorePath;
use nix::unistd::Pid;

use crate::failure::BuildFailure;
use crate::settings::BuildSettings;

/// What a build is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Make the outputs that are not valid.
    #[default]
    Normal,
    /// Make all outputs again, and compare.
    Check,
    /// Make the outputs again that are missing or corrupt.
    Repair,
}

/// What to build.
#[derive(Clone, Debug)]
pub struct Job {
    /// The derivation's path.
    pub drv_path: StorePath,
    /// The derivation, with the outputs of its inputs in place.
    pub drv: Derivation,
    /// What for.
    pub mode: Mode,
}

/// A build that is running. Dropped, it is killed and what it made is deleted.
pub struct Running {
    drv_path: StorePath,
}

/// What was read of a build's log.
#[derive(Debug, Default)]
pub struct LogRead {
    /// Complete lines, without line ends, as a terminal would show them; also those that start with `@nix `.
    pub lines: Vec<Vec<u8>>,
    /// The build has ended: call [`Running::finish`].
    pub eof: bool,
}

/// What a build made.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// The outputs, which are valid now.
    pub outputs: BTreeMap<String, StorePath>,
}

/// Start a build. `closure` is the closure of its inputs, all valid.
pub fn start(
    _store: &LocalStore,
    _settings: &BuildSettings,
    job: Job,
    _closure: BTreeSet<StorePath>,
) -> Result<Running, BuildFailure> {
    Err(BuildFailure::other(format!(
        "cannot build '{}' yet",
        job.drv_path.base_name()
    )))
}

impl Running {
    /// Readable when there is something to read by [`Running::read_log`]. Does not block.
    pub fn log_fd(&self) -> BorrowedFd<'_> {
        unreachable!("no build is started")
    }

    /// Read what the builder has written, without waiting; writes it to the log file too.
    ///
    /// Fails if the log is too long; the build is killed then.
    pub fn read_log(&mut self) -> Result<LogRead, BuildFailure> {
        Ok(LogRead::default())
    }

    /// When the build will have taken, or have been silent for, too long.
    pub fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Kill the build if its deadline has passed.
    pub fn check_deadline(&mut self, _now: Instant) -> Result<(), BuildFailure> {
        Ok(())
    }

    /// Kill the builder and all it started, and wait for their end.
    pub fn kill(&mut self) {}

    /// The derivation.
    pub fn drv_path(&self) -> &StorePath {
        &self.drv_path
    }

    /// The process to watch: the builder's parent in the sandbox.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(0)
    }

    /// When it was started.
    pub fn started(&self) -> Instant {
        Instant::now()
    }

    /// Check what was made and register it.
    pub fn finish(self, _store: &LocalStore) -> Result<Built, BuildFailure> {
        Ok(Built::default())
    }
}
