//! How a build fails.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// Why a build failed, as far as the program's exit status depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The builder failed, and would again.
    Permanent,
    /// The builder failed for what may go away: it had the network, or the disk is full.
    Transient,
    /// What the builder made is not accepted.
    OutputRejected,
    /// It took, or was silent for, too long.
    TimedOut,
    /// It wrote more than `max-build-log-size`.
    LogLimitExceeded,
    /// An output is not what its hash promises.
    HashMismatch,
    /// A check came to another result than is registered.
    NotDeterministic,
    /// All build users are taken: try again when a build has ended.
    NoBuildUser,
    /// The user asked to stop.
    Interrupted,
    /// Something else: a system call, the store.
    Other,
}

/// Something to say besides a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// What a program of the user wrote.
    Text(String),
    /// An error of its own.
    Error(String),
}

/// A failed build.
#[derive(Clone, Debug)]
pub struct BuildFailure {
    /// Why.
    pub kind: FailureKind,
    /// What to say, without the last lines of the log.
    pub message: String,
    /// The last lines of the builder's log, if it is the builder that failed.
    pub log_tail: Vec<Vec<u8>>,
    /// What to say after the log.
    pub note: String,
    /// What to say at once, before the failure.
    pub remarks: Vec<Remark>,
}

impl BuildFailure {
    /// A failure with that text.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        BuildFailure {
            kind,
            message: message.into(),
            log_tail: Vec::new(),
            note: String::new(),
            remarks: Vec::new(),
        }
    }

    /// A failure that says nothing of the derivation itself.
    pub fn other(message: impl fmt::Display) -> Self {
        BuildFailure::new(FailureKind::Other, message.to_string())
    }

    /// The whole text: the last lines of the log too, and the command that shows all of it.
    pub fn with_log(&self, drv_path: &str) -> String {
        let mut text = self.message.clone();
        if !self.log_tail.is_empty() {
            text += &format!("\nLast {} log lines:\n", self.log_tail.len());
            for line in &self.log_tail {
                text += &format!("> {}\n", String::from_utf8_lossy(line));
            }
            text += &format!("For full logs, run:\n  nix-store -l {drv_path}");
        }
        text += &self.note;
        text
    }
}

impl fmt::Display for BuildFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.message, self.note)
    }
}

impl std::error::Error for BuildFailure {}

impl From<nivis_store::error::StoreError> for BuildFailure {
    fn from(error: nivis_store::error::StoreError) -> Self {
        match error {
            nivis_store::error::StoreError::Interrupted => {
                BuildFailure::new(FailureKind::Interrupted, error.to_string())
            }
            error => BuildFailure::other(error),
        }
    }
}

impl From<nivis_store::io_error::IoError> for BuildFailure {
    fn from(error: nivis_store::io_error::IoError) -> Self {
        BuildFailure::other(error)
    }
}

impl From<nivis_store::path::PathError> for BuildFailure {
    fn from(error: nivis_store::path::PathError) -> Self {
        BuildFailure::other(error)
    }
}

/// What became of a process: `failed with exit code 1`.
pub fn describe_status(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "succeeded".to_owned(),
        (Some(code), _) => format!("failed with exit code {code}"),
        (None, Some(signal)) => {
            let name = nix::sys::signal::Signal::try_from(signal).map_or("", describe_signal);
            format!("failed due to signal {signal} ({name})")
        }
        (None, None) => "died abnormally".to_owned(),
    }
}

/// The C library's words for a signal.
fn describe_signal(signal: nix::sys::signal::Signal) -> &'static str {
    use nix::sys::signal::Signal::*;
    match signal {
        SIGHUP => "Hangup",
        SIGINT => "Interrupt",
        SIGQUIT => "Quit",
        SIGILL => "Illegal instruction",
        SIGTRAP => "Trace/breakpoint trap",
        SIGABRT => "Aborted",
        SIGBUS => "Bus error",
        SIGFPE => "Floating point exception",
        SIGKILL => "Killed",
        SIGUSR1 => "User defined signal 1",
        SIGSEGV => "Segmentation fault",
        SIGUSR2 => "User defined signal 2",
        SIGPIPE => "Broken pipe",
        SIGALRM => "Alarm clock",
        SIGTERM => "Terminated",
        SIGXCPU => "CPU time limit exceeded",
        SIGXFSZ => "File size limit exceeded",
        SIGSYS => "Bad system call",
        other => other.as_str(),
    }
}
