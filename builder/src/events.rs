//! What goes on during a realisation, for whoever shows it to people or programs.

use nivis_store::path::StorePath;

use crate::build::Mode;
use crate::debug_shell::Kept;
use crate::failure::BuildFailure;
use crate::schedule::{Counts, GoalId};

/// How a build ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its outputs are valid.
    Built,
    /// It failed.
    Failed,
    /// It was ended because nobody wanted it any more.
    Aborted,
}

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Shown always.
    Error,
    /// Shown unless asked not to.
    Warning,
    /// What goes on.
    Info,
    /// Details.
    Talkative,
}

/// Something that happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'e> {
    /// A build began.
    Started {
        /// Which.
        goal: GoalId,
        /// Its derivation.
        drv: &'e StorePath,
        /// What for.
        mode: Mode,
    },
    /// A builder wrote a line.
    Line {
        /// Whose builder.
        goal: GoalId,
        /// The line, without its end.
        line: &'e [u8],
    },
    /// The program that runs after builds wrote a line.
    HookLine {
        /// The line, without its end.
        line: &'e [u8],
    },
    /// A builder told of the phase it is in.
    Phase {
        /// Whose builder.
        goal: GoalId,
        /// The phase.
        phase: &'e str,
    },
    /// A build ended.
    Ended {
        /// Which.
        goal: GoalId,
        /// Its derivation.
        drv: &'e StorePath,
        /// How.
        how: Ended,
    },
    /// A goal waits for something that others have.
    Waiting {
        /// Which.
        goal: GoalId,
        /// What it waits for: `waiting for …`
        text: &'e str,
    },
    /// A goal no longer waits.
    WaitingEnded {
        /// Which.
        goal: GoalId,
    },
    /// How many goals there are in which state.
    Counts(Counts),
    /// Something to tell.
    Message {
        /// How much it matters.
        level: Level,
        /// The text.
        text: &'e str,
    },
    /// A failure, with or without others to follow; the text lacks `error:`.
    Failure {
        /// The text.
        text: &'e str,
    },
    /// The program will stop until the user continues it.
    Suspending,
    /// Time has passed.
    Tick,
}

/// Shows what happens.
pub trait Observer {
    /// Something happened.
    fn event(&mut self, event: Event<'_>);

    /// Whether every line of every log is shown, so that failures need not repeat the last ones.
    fn shows_logs(&self) -> bool;

    /// A builder failed and left its sandbox for a shell, as the settings want it.
    fn debug(&mut self, _drv: &StorePath, _failure: &BuildFailure, _kept: &mut Kept) {}

    /// Whether it wants a [`Event::Tick`] several times a second.
    fn wants_ticks(&self) -> bool {
        false
    }
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&mut self, _: Event<'_>) {}

    fn shows_logs(&self) -> bool {
        false
    }
}
