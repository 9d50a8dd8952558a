//! Building what a command wants, and showing it.

use crate::build_settings;
use crate::env::Environment;
use crate::failure::Failure;
use crate::interrupt::Signals;
use crate::log::Logger;
use crate::options::Common;
use crate::progress;
use crate::store_session::StoreSession;
use nivis_builder::events::Event;
use nivis_builder::realise::{self, Missing, OutputPaths, RealiseError, Target};
use nivis_builder::{BuildSettings, Mode};
use nivis_eval::host::Level;
use nivis_store::LocalStore;
use nivis_store::path::StorePath;

/// What building goes by.
#[derive(Clone, Copy)]
pub(crate) struct Realiser<'r> {
    /// Where to.
    pub(crate) store: &'r LocalStore,
    /// What the common flags say.
    pub(crate) common: &'r Common,
    /// The environment.
    pub(crate) environment: &'r Environment,
    /// Where messages go.
    pub(crate) logger: Logger,
    /// Whether to open a shell in the sandbox of a build that fails.
    pub(crate) debug_shell: bool,
}

/// Why not all is there; other messages were shown already.
#[derive(Debug)]
pub(crate) struct Unrealised {
    /// The message, without `error:`.
    pub(crate) message: String,
    /// The exit status.
    pub(crate) status: u8,
}

impl Unrealised {
    /// Shows the message; gives what to end with.
    pub(crate) fn show(self, logger: Logger) -> Failure {
        let text = progress::clean_text(&self.message, logger.style.colour);
        logger.failure("build", &text);
        Failure::Exit(self.status)
    }
}

impl From<RealiseError> for Unrealised {
    fn from(error: RealiseError) -> Unrealised {
        Unrealised {
            message: error.to_string(),
            status: 1,
        }
    }
}

impl<'r> Realiser<'r> {
    /// Builds to a store as the flags and the environment say.
    pub(crate) fn new(
        store: &'r LocalStore,
        common: &'r Common,
        environment: &'r Environment,
        logger: Logger,
    ) -> Realiser<'r> {
        Realiser {
            store,
            common,
            environment,
            logger,
            debug_shell: false,
        }
    }

    /// Builds to the store of a session.
    pub(crate) fn of(session: &'r StoreSession) -> Realiser<'r> {
        let environment = &session.invocation.environment;
        Realiser::new(&session.store, session.common, environment, session.logger)
    }

    /// What is not there of the targets.
    pub(crate) fn missing(&self, targets: &[Target]) -> Result<Missing, Unrealised> {
        Ok(realise::missing(self.store, targets)?)
    }

    /// Says what will be done.
    pub(crate) fn show_missing(&self, missing: &Missing) -> Result<(), Unrealised> {
        let say = |text: &str| self.logger.message(Level::Info, text);
        let print = |path: &StorePath| format!("  {}", self.store.store_dir().print(path));
        if !missing.will_build.is_empty() {
            match missing.will_build.len() {
                1 => say("this derivation will be built:"),
                count => say(&format!("these {count} derivations will be built:")),
            }
            let sorted = self.store.topo_sort_paths(&missing.will_build);
            let sorted = sorted.map_err(RealiseError::from)?;
            sorted.iter().rev().for_each(|path| say(&print(path)));
        }
        if !missing.unknown.is_empty() {
            let note = if self.common.read_only {
                " (may be caused by read-only store access)"
            } else {
                ""
            };
            say(&format!("don't know how to build these paths{note}:"));
            missing.unknown.iter().for_each(|path| say(&print(path)));
        }
        Ok(())
    }

    /// Makes the targets valid; gives the paths of outputs. `plan` is what is missing of them, if that is known.
    pub(crate) fn realise(
        &self,
        targets: &[Target],
        mode: Mode,
        plan: Option<&Missing>,
    ) -> Result<OutputPaths, Unrealised> {
        self.store.flush().map_err(RealiseError::from)?;
        let mut observer =
            progress::observer(self, plan).map_err(|message| Unrealised { message, status: 1 })?;
        let signals = Signals::while_building();
        let settings = BuildSettings {
            debug_shell: self.debug_shell,
            ..build_settings::build_settings(self.common)
        };
        let options = build_settings::options(self.common, mode);
        let (summary, outputs) =
            realise::realise(self.store, &settings, options, targets, &signals, &mut *observer)?;
        for message in &summary.messages {
            observer.event(Event::Failure { text: message });
        }
        drop(observer);
        match summary.error {
            None => Ok(outputs),
            Some(message) => Err(Unrealised {
                message,
                status: summary.status,
            }),
        }
    }
}
