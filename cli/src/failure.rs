//! Why a command stopped.

use nivis_eval::error::Error;
use nivis_eval::print::PrintError;
use nivis_store::error::StoreError;
use nivis_store::io_error::IoError;
use nivis_store::nar::NarError;
use nivis_store::path::PathError;
use std::io;

/// Why a command stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line makes no sense; the user is told of `--help`.
    Usage(String),
    /// Something outside of the language.
    Plain(String),
    /// Evaluation failed.
    Eval(Error),
    /// Standard output cannot be written to.
    Output(io::Error),
    /// Nothing failed; there is nothing more to do.
    Exit(u8),
}

/// The result of what a command does.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Eval(error)
    }
}

/// Failures of `write!` to standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Plain(error.to_string())
    }
}

impl From<NarError> for Failure {
    fn from(error: NarError) -> Failure {
        Failure::Plain(error.to_string())
    }
}

impl From<PathError> for Failure {
    fn from(error: PathError) -> Failure {
        Failure::Plain(error.to_string())
    }
}

impl From<IoError> for Failure {
    fn from(error: IoError) -> Failure {
        Failure::Plain(error.to_string())
    }
}

impl From<PrintError> for Failure {
    fn from(error: PrintError) -> Failure {
        match error {
            PrintError::Value(error) => Failure::Eval(error),
            PrintError::Sink(error) => Failure::Output(error),
        }
    }
}
