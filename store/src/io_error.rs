//! Errors of system calls that say what was tried on which path.

use std::fmt;
use std::io;
use std::path::Path;

/// A failed system call and what it was for.
#[derive(Debug, thiserror::Error)]
pub struct IoError {
    context: String,
    source: io::Error,
}

impl IoError {
    /// `opening file "/x": No such file or directory`.
    pub fn at(action: &str, path: &Path, source: io::Error) -> Self {
        IoError {
            context: format!("{action} \"{}\"", path.display()),
            source,
        }
    }

    /// `writing archive: No space left on device`.
    pub fn during(action: &str, source: io::Error) -> Self {
        IoError {
            context: action.to_owned(),
            source,
        }
    }

    /// The kind of the failure.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.kind()
    }

    /// The system's number of the error.
    pub fn raw_os_error(&self) -> Option<i32> {
        self.source.raw_os_error()
    }
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.context, message(&self.source))
    }
}

/// What the system says of an error, without the number that the standard library appends to it.
pub fn message(error: &io::Error) -> String {
    let mut message = error.to_string();
    if let Some(end) = message.rfind(" (os error ") {
        message.truncate(end);
    }
    message
}
