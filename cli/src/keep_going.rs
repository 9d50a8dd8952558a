//! `--keep-going` in evaluation: what fails is told of when everything else is done.

use crate::args::lossy;
use crate::failure::{Failure, Result};
use crate::options::Common;
use crate::report::Sources;
use crate::session::Session;
use nivis_eval::error::Kind;
use nivis_lang::position::Pos;

/// The parts of an evaluation that failed so far.
pub(crate) struct Failures<'s> {
    session: &'s Session,
    /// Whether evaluation goes on after a failure.
    pub(crate) keeps_going: bool,
    /// Attributes, or nothing for a whole expression, and why they failed.
    failures: Vec<(String, Failure)>,
}

impl<'s> Failures<'s> {
    /// None yet.
    pub(crate) fn new(session: &'s Session, common: &Common) -> Failures<'s> {
        Failures {
            session,
            keeps_going: common.settings.bool("keep-going"),
            failures: vec![],
        }
    }

    /// Stops at a failure of an attribute, unless the user wants to know of all.
    pub(crate) fn note(&mut self, outcome: Result<()>, path: &[u8]) -> Result<()> {
        let Err(failure) = outcome else {
            return Ok(());
        };
        let path = lossy(path);
        let failure = match failure {
            Failure::Eval(error) if self.keeps_going && error.kind() != Kind::Interrupted => {
                Failure::Eval(match path.is_empty() {
                    true => error,
                    false => error.context(
                        Pos::NONE,
                        format!("while evaluating '{path}' of the command line's value"),
                    ),
                })
            }
            Failure::Plain(message) if self.keeps_going => Failure::Plain(message),
            failure => return Err(failure),
        };
        self.failures.push((path, failure));
        Ok(())
    }

    /// What the user is to be told of them; nothing if there are none.
    pub(crate) fn messages(&self) -> Vec<String> {
        let logger = self.session.logger;
        let sources = Sources::new(&self.session.ev);
        let describe = |(_, failure): &(String, Failure)| match failure {
            Failure::Eval(error) => Some(logger.error_text(&sources, error)),
            Failure::Plain(message) => Some(logger.failure_text("other", message)),
            _ => None,
        };
        let mut messages: Vec<String> = self.failures.iter().filter_map(describe).collect();
        let named = self.failures.iter().map(|(path, _)| path.as_str());
        let named: Vec<&str> = named.filter(|path| !path.is_empty()).collect();
        let sum = match (self.failures.len(), named.len()) {
            // There is nothing to sum up.
            (0 | 1, _) => return messages,
            (count, 0) => format!("{count} expressions could not be evaluated"),
            (count, _) => format!("{count} attributes could not be evaluated: {}", named.join(", ")),
        };
        messages.push(logger.failure_text("other", &sum));
        messages
    }
}

/// Tells of failures at the end; there is nothing more to do then.
pub(crate) fn tell(messages: &[String]) -> Result<()> {
    for message in messages {
        crate::output::complain(message);
    }
    match messages {
        [] => Ok(()),
        _ => Err(Failure::Exit(1)),
    }
}
