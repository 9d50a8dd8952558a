//! Messages to the user on standard error.

use crate::interrupt::interrupted;
use crate::output::complain;
use crate::report::{self, Layout, Sources, Style};
use nivis_eval::error::Error;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::Level;
use nivis_store::notify::{self, Notify};
use std::sync::{Mutex, PoisonError};

/// What messages look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Format {
    /// Lines of text.
    #[default]
    Text,
    /// `--log-format internal-json`: a line of JSON each.
    Json,
}

/// Where messages go, and which of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logger {
    /// How much is told: 0 only errors, 3 normal.
    pub(crate) verbosity: u8,
    /// How messages look.
    pub(crate) format: Format,
    /// How errors look.
    pub(crate) style: Style,
}

/// The logger of the command that runs, for failures that only its caller tells of.
static CURRENT: Mutex<Option<Logger>> = Mutex::new(None);

/// From now on this is the logger of the command.
pub(crate) fn remember(logger: Logger) {
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(logger);
}

/// The logger of the command, once it knows its flags.
pub(crate) fn current() -> Option<Logger> {
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The verbosity without flags.
pub(crate) const NORMAL: u8 = 3;
/// The greatest verbosity.
pub(crate) const MAX: u8 = 7;

/// The number of a level as `-v` counts them.
fn number(level: Level) -> u8 {
    match level {
        Level::Error => 0,
        Level::Warning => 1,
        Level::Notice => 2,
        Level::Info => NORMAL,
        Level::Talkative => 4,
        Level::Chatty => 5,
    }
}

impl Logger {
    /// A message as it is.
    pub(crate) fn message(&self, level: Level, text: &str) {
        let level = number(level);
        if level > self.verbosity {
            return;
        }
        match self.format {
            Format::Text => complain(text),
            Format::Json => {
                let message = serde_json::json!({ "action": "msg", "level": level, "msg": text });
                complain(&format!("@nix {message}"));
            }
        }
    }

    /// An evaluation error.
    pub(crate) fn error(&self, ev: &Evaluator, error: &Error) {
        complain(&self.error_text(&Sources::new(ev), error));
    }

    /// What an evaluation error looks like. Of many errors all are to be told with the same `sources`.
    pub(crate) fn error_text(&self, sources: &Sources<'_>, error: &Error) -> String {
        match self.format {
            Format::Text => report::error(sources, error, self.style),
            Format::Json => format!("@nix {}", report::internal_json(sources, error, self.style)),
        }
    }

    /// A failure outside of the language; `kind` says in a word what failed.
    pub(crate) fn failure(&self, kind: &str, text: &str) {
        complain(&self.failure_text(kind, text));
    }

    /// What such a failure looks like.
    pub(crate) fn failure_text(&self, kind: &str, text: &str) -> String {
        match (self.format, self.style.layout) {
            (Format::Json, _) => format!("@nix {}", report::internal_json_plain(text, self.style)),
            (Format::Text, Layout::Json) => report::json_message(kind, text),
            (Format::Text, _) => report::plain(text, self.style),
        }
    }

    /// Whether messages of a level are told.
    pub(crate) fn shows(&self, level: Level) -> bool {
        number(level) <= self.verbosity
    }

    /// For the store's messages.
    pub(crate) fn notify(self) -> Notify {
        Notify::new(move |level, text| match level {
            notify::Level::Error => self.message(Level::Error, text),
            notify::Level::Warning => self.warning(text),
            notify::Level::Notice => self.message(Level::Notice, text),
            notify::Level::Info => self.message(Level::Info, text),
            notify::Level::Talkative => self.message(Level::Talkative, text),
        })
        .with_interrupt(interrupted)
    }

    /// A warning, its text without `warning:`.
    pub(crate) fn warning(&self, text: &str) {
        self.message(Level::Warning, &crate::report::warning(text, self.style));
    }
}
