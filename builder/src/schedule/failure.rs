//! Failures of goals, and what a run comes to: messages in the reference's order and an exit status.

use std::collections::BTreeSet;
use std::rc::Rc;

use nivis_store::path::{StoreDir, StorePath};

use crate::failure::FailureKind;

/// Why a goal failed, as far as the exit status goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The builder failed.
    Permanent,
    /// It cannot be built here.
    InputRejected,
    /// The outputs are not as they should be.
    OutputRejected,
    /// Trying again may help.
    Transient,
    /// It took too long.
    TimedOut,
    /// Something else.
    Misc,
    /// What it needs failed.
    DependencyFailed,
    /// It wrote too much to its log.
    LogLimitExceeded,
    /// It gave something else than before.
    NotDeterministic,
    /// Nobody has the path.
    NoSubstituters,
    /// A fixed output has another hash than it should have.
    HashMismatch,
}

impl From<FailureKind> for Reason {
    fn from(kind: FailureKind) -> Reason {
        match kind {
            FailureKind::Permanent => Reason::Permanent,
            FailureKind::Transient => Reason::Transient,
            FailureKind::OutputRejected => Reason::OutputRejected,
            FailureKind::TimedOut => Reason::TimedOut,
            FailureKind::LogLimitExceeded => Reason::LogLimitExceeded,
            FailureKind::HashMismatch => Reason::HashMismatch,
            FailureKind::NotDeterministic => Reason::NotDeterministic,
            FailureKind::NoBuildUser | FailureKind::Interrupted | FailureKind::Other => Reason::Misc,
        }
    }
}

/// A goal that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub reason: Reason,
    /// The message, without `error:`.
    pub message: String,
}

impl Failure {
    /// A failure with that message.
    pub fn new(reason: Reason, message: impl Into<String>) -> Failure {
        Failure {
            reason,
            message: message.into(),
        }
    }
}

/// What reasons of failures there were, and so what the program's exit status is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExitStatus {
    permanent: bool,
    timed_out: bool,
    hash_mismatch: bool,
    not_deterministic: bool,
}

impl ExitStatus {
    /// Notes a failure.
    pub fn add(&mut self, reason: Reason) {
        match reason {
            Reason::Permanent | Reason::InputRejected => self.permanent = true,
            Reason::TimedOut => self.timed_out = true,
            Reason::HashMismatch => self.hash_mismatch = true,
            Reason::NotDeterministic => self.not_deterministic = true,
            _ => {}
        }
    }

    /// 96, and bits: 4 a build failed, of these 1 in time and 2 in hash; 8 not deterministic. 1 if nothing of these.
    pub fn code(self) -> u8 {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let build_failed = self.permanent || self.timed_out || self.hash_mismatch;
        let bits = bit(build_failed, 4)
            | bit(self.timed_out, 1)
            | bit(self.hash_mismatch, 2)
            | bit(self.not_deterministic, 8);
        match bits {
            0 => 1,
            bits => 96 | bits,
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Messages to show before the last.
    pub messages: Vec<String>,
    /// The last message; `None` if all went well.
    pub error: Option<String>,
    /// The exit status if not all went well.
    pub status: u8,
}

impl Summary {
    /// Of targets that failed or did not end, in order.
    pub(super) fn new(
        store_dir: &StoreDir,
        targets: Vec<(StorePath, Option<Rc<Failure>>)>,
        status: ExitStatus,
    ) -> Summary {
        let mut failures = targets.iter().filter_map(|(_, failure)| failure.clone());
        let first = failures.next();
        // The reference tells of the first last.
        let mut messages: Vec<String> = failures.map(|failure| failure.message.clone()).collect();
        let first = first.map(|failure| failure.message.clone());
        let error = match &targets[..] {
            [] => None,
            [_] if first.is_some() => first,
            _ => {
                messages.extend(first);
                let names: BTreeSet<String> = targets
                    .iter()
                    .map(|(path, _)| format!("'{}'", store_dir.print(path)))
                    .collect();
                let names: Vec<String> = names.into_iter().collect();
                Some(format!("build of {} failed", names.join(", ")))
            }
        };
        Summary {
            messages,
            error,
            status: status.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_statuses_are_bits() {
        let code = |reasons: &[Reason]| {
            let mut status = ExitStatus::default();
            reasons.iter().for_each(|reason| status.add(*reason));
            status.code()
        };
        assert_eq!(code(&[Reason::Permanent]), 100);
        assert_eq!(code(&[Reason::InputRejected, Reason::DependencyFailed]), 100);
        assert_eq!(code(&[Reason::TimedOut]), 101);
        assert_eq!(code(&[Reason::HashMismatch, Reason::Permanent]), 102);
        assert_eq!(code(&[Reason::TimedOut, Reason::HashMismatch]), 103);
        assert_eq!(code(&[Reason::NotDeterministic]), 104);
        assert_eq!(code(&[Reason::NotDeterministic, Reason::Permanent]), 108);
        assert_eq!(code(&[Reason::OutputRejected, Reason::DependencyFailed]), 1);
    }
}
