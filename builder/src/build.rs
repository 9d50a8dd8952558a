//! One derivation from start to end: prepare, run, check, register.
//!
//! The caller holds the locks of the outputs, has made the inputs valid, and decides what is built when.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use nivis_store::LocalStore;
use nivis_store::derivation::Derivation;
use nivis_store::io_error::IoError;
use nivis_store::path::StorePath;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::pty::{PtyMaster, posix_openpt, ptsname_r, unlockpt};
use nix::sys::statvfs::statvfs;
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::Pid;

use crate::child::{Child, Ended, spawn};
use crate::debug_shell::{self, Kept, OurEnds};
use crate::failure::{BuildFailure, FailureKind, describe_status};
use crate::log::{Lines, LogFile};
use crate::outputs;
use crate::prepare::{Prepared, prepare};
use crate::settings::BuildSettings;
use crate::users::BuildUser;

/// A disk with less free space than that may be why a build failed.
const FULL_DISK: u64 = 8 * 1024 * 1024;

/// How much of a log is read at once, at most.
const LOG_CHUNK: usize = 64 * 1024;

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
    /// First, so that it is dead before the rest is cleaned up.
    child: Child,
    prepared: Prepared,
    settings: BuildSettings,
    log: PtyMaster,
    shell: Option<OurEnds>,
    log_file: Option<LogFile>,
    log_size: u64,
    lines: Lines,
    started: Instant,
    last_output: Instant,
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
///
/// The build ends when the thread that called this ends.
pub fn start(
    store: &LocalStore,
    settings: &BuildSettings,
    job: Job,
    closure: BTreeSet<StorePath>,
) -> Result<Running, BuildFailure> {
    store.flush()?;
    store.auto_gc()?;
    let prepared = prepare(store, settings, job, closure)?;
    let log_file = match settings.keep_build_log {
        true => Some(LogFile::create(
            &store.config().log_dir,
            &prepared.job.drv_path,
            settings.compress_build_log,
        )?),
        false => None,
    };
    let (log, slave) = open_terminal(prepared.user.as_ref())?;
    set_raw(&slave)?;
    set_non_blocking(&log)?;
    let (shell, theirs) = match settings.debug_shell {
        true => {
            let (ours, theirs) = debug_shell::open(prepared.user.as_ref())?;
            (Some(ours), Some(theirs))
        }
        false => (None, None),
    };
    let child = spawn(&prepared.plan, slave, theirs)?;
    let now = Instant::now();
    Ok(Running {
        child,
        prepared,
        settings: settings.clone(),
        log,
        shell,
        log_file,
        log_size: 0,
        lines: Lines::new(settings.log_lines),
        started: now,
        last_output: now,
    })
}

/// A terminal: our side and the builder's.
pub(crate) fn open_terminal(user: Option<&BuildUser>) -> Result<(PtyMaster, OwnedFd), BuildFailure> {
    let failed = |what: &'static str| move |errno: Errno| IoError::during(what, errno.into());
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let master = posix_openpt(flags).map_err(failed("opening pseudoterminal master"))?;
    let name = ptsname_r(&master).map_err(failed("getting pseudoterminal slave name"))?;
    if let Some(user) = user {
        crate::sandbox::layout::set_mode(Path::new(&name), 0o600)?;
        nix::unistd::chown(name.as_str(), Some(user.uid), Some(nix::unistd::Gid::from_raw(0)))
            .map_err(failed("changing owner of pseudoterminal slave"))?;
    }
    unlockpt(&master).map_err(failed("unlocking pseudoterminal"))?;
    let slave = nix::fcntl::open(name.as_str(), flags, nix::sys::stat::Mode::empty())
        .map_err(failed("opening pseudoterminal slave"))?;
    Ok((master, slave))
}

/// Let a terminal pass everything on as it is; gives what it was set to.
pub(crate) fn set_raw(terminal: impl AsFd) -> Result<Termios, BuildFailure> {
    let failed = |what: &'static str| move |errno: Errno| IoError::during(what, errno.into());
    let before = tcgetattr(&terminal).map_err(failed("getting pseudoterminal attributes"))?;
    let mut attributes = before.clone();
    cfmakeraw(&mut attributes);
    tcsetattr(&terminal, SetArg::TCSANOW, &attributes)
        .map_err(failed("putting pseudoterminal into raw mode"))?;
    Ok(before)
}

fn set_non_blocking(terminal: &PtyMaster) -> Result<(), BuildFailure> {
    fcntl(terminal, FcntlArg::F_SETFL(OFlag::O_RDWR | OFlag::O_NONBLOCK))
        .map(drop)
        .map_err(|errno| IoError::during("opening pseudoterminal master", errno.into()).into())
}

impl Running {
    /// Readable when there is something to read by [`Running::read_log`]. Does not block.
    pub fn log_fd(&self) -> BorrowedFd<'_> {
        self.log.as_fd()
    }

    /// Read what the builder has written, without waiting; writes it to the log file too.
    ///
    /// Fails if the log is too long; the build is killed then.
    pub fn read_log(&mut self) -> Result<LogRead, BuildFailure> {
        let mut read = LogRead::default();
        let mut chunk = [0; 4096];
        let mut total = 0;
        while total < LOG_CHUNK {
            match nix::unistd::read(&self.log, &mut chunk) {
                // Nobody has the other side open any more.
                Ok(0) | Err(Errno::EIO) => {
                    read.eof = true;
                    self.lines.flush(&mut read.lines);
                    break;
                }
                Ok(count) => {
                    total += count;
                    self.take_log(&chunk[..count], &mut read.lines)?;
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(errno) => return Err(IoError::during("reading build log", errno.into()).into()),
            }
        }
        if total > 0 {
            self.last_output = Instant::now();
        }
        Ok(read)
    }

    fn take_log(&mut self, data: &[u8], lines: &mut Vec<Vec<u8>>) -> Result<(), BuildFailure> {
        self.log_size += data.len() as u64;
        let limit = self.settings.max_build_log_size;
        if limit != 0 && self.log_size > limit {
            self.kill();
            return Err(BuildFailure::new(
                FailureKind::LogLimitExceeded,
                format!("builder killed after writing more than {limit} bytes of log output"),
            ));
        }
        if let Some(file) = &mut self.log_file {
            file.write(data)?;
        }
        self.lines.update(data, lines);
        Ok(())
    }

    /// When the build will have taken, or have been silent for, too long.
    pub fn deadline(&self) -> Option<Instant> {
        let end = self.settings.timeout.map(|limit| self.started + limit);
        let silent = self
            .settings
            .max_silent_time
            .map(|limit| self.last_output + limit);
        [end, silent].into_iter().flatten().min()
    }

    /// Kill the build if its deadline has passed.
    pub fn check_deadline(&mut self, now: Instant) -> Result<(), BuildFailure> {
        let since = |start| now.saturating_duration_since(start);
        let limits = [
            (self.settings.max_silent_time, since(self.last_output)),
            (self.settings.timeout, since(self.started)),
        ];
        for (limit, spent) in limits {
            if let Some(limit) = limit.filter(|limit| spent >= *limit) {
                self.kill();
                return Err(BuildFailure::new(
                    FailureKind::TimedOut,
                    format!("timed out after {} seconds", limit.as_secs()),
                ));
            }
        }
        Ok(())
    }

    /// All stood still for so long: it does not count as time that the build took.
    pub fn add_pause(&mut self, time: Duration) {
        self.started += time;
        self.last_output += time;
    }

    /// Kill the builder and all it started, and wait for their end.
    pub fn kill(&mut self) {
        self.child.kill();
    }

    /// The derivation.
    pub fn drv_path(&self) -> &StorePath {
        &self.prepared.job.drv_path
    }

    /// The build's first process, below which all others are.
    pub fn pid(&self) -> Pid {
        self.child.pid
    }

    /// When it was started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// What the user should know about how it is built: odd attributes, layers of the sandbox that are missing.
    pub fn warnings(&self) -> &[String] {
        &self.prepared.warnings
    }

    /// Once the log has ended: check what was made and register it.
    pub fn finish(self, store: &LocalStore) -> Result<Built, BuildFailure> {
        self.finish_keeping(store).map_err(|(failure, _)| failure)
    }

    /// As [`Running::finish`]; if the builder failed, with what it left, for a shell, if the settings say so.
    pub fn finish_keeping(mut self, store: &LocalStore) -> Result<Built, (BuildFailure, Option<Box<Kept>>)> {
        let status = match self.end(store) {
            Ok(status) => status,
            Err(failure) => return Err((failure, None)),
        };
        if status.success() {
            let made = outputs::register(store, &self.settings, &self.prepared);
            return made
                .map(|outputs| Built { outputs })
                .map_err(|failure| (self.keep_folder(store, failure), None));
        }
        let failure = self.builder_failed(store, &describe_status(status));
        let failure = self.keep_folder(store, failure);
        let (child, prepared) = (self.child, self.prepared);
        let kept = self.shell.map(|ends| Box::new(Kept::new(child, prepared, ends)));
        Err((failure, kept))
    }

    /// How the builder ended; its log is complete then.
    fn end(&mut self, store: &LocalStore) -> Result<ExitStatus, BuildFailure> {
        let ended = self.child.finish(self.shell.is_some());
        if let Some(file) = self.log_file.take() {
            file.close()?;
        }
        match ended {
            Ended::SetupFailed(message) => Err(BuildFailure::other(format!(
                "while setting up the build environment of '{}': {message}",
                store.store_dir().print(self.drv_path())
            ))),
            Ended::Builder(status) => Ok(status),
        }
    }

    /// Keep the build's folder if the user wants that, and say so.
    fn keep_folder(&mut self, store: &LocalStore, mut failure: BuildFailure) -> BuildFailure {
        // A builder of ours may have had secrets.
        if self.settings.keep_failed && !self.prepared.job.drv.is_builtin() {
            match self.prepared.folder.keep() {
                Ok(note) => failure.note += &format!("\n{note}"),
                Err(error) => failure.note += &format!("\n{error}"),
            }
            self.prepared.leave_outputs(store);
        }
        failure
    }

    fn builder_failed(&mut self, store: &LocalStore, how: &str) -> BuildFailure {
        let print = |path: &StorePath| store.store_dir().print(path);
        let is_full = self.is_disk_full(store);
        let kind = match is_full || !self.prepared.is_pure() {
            true => FailureKind::Transient,
            false => FailureKind::Permanent,
        };
        let mut message = format!(
            "Cannot build '{}'.\nReason: builder {how}.",
            print(self.drv_path())
        );
        let known: BTreeSet<_> = self
            .prepared
            .outputs
            .values()
            .filter_map(|output| output.known.as_ref())
            .collect();
        if !known.is_empty() {
            message += "\nOutput paths:";
            for path in known {
                message += &format!("\n  {}", print(path));
            }
        }
        let mut failure = BuildFailure::new(kind, message);
        failure.log_tail = std::mem::take(&mut self.lines).into_tail();
        if is_full {
            failure.note = "\nnote: build failure may have been caused by lack of free disk space".to_owned();
        }
        failure
    }

    fn is_disk_full(&self, store: &LocalStore) -> bool {
        [
            store.config().real_store_dir.as_path(),
            &self.prepared.folder.path,
        ]
        .iter()
        .filter_map(|path| statvfs(*path).ok())
        .any(|found| found.blocks_available() * found.fragment_size() < FULL_DISK)
    }
}
