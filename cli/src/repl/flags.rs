//! The flags of `nivis repl`.

use crate::args::{Arg, Arguments, Flag, OtherFlag};
use crate::env::Environment;
use crate::failure::{Failure, Result};
use crate::options::{Common, WITH_EVALUATION};
use crate::settings;

/// Flags that end the command at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// `--help`
    Help,
    /// `--version`
    Version,
}

/// What is loaded at the start.
#[derive(Clone, Debug)]
pub(super) enum Start {
    /// A file.
    File(Arg),
    /// `--expr`
    Expression(Arg),
}

/// What the command line says.
pub(super) struct Flags {
    pub(super) common: Common,
    pub(super) stop: Option<Stop>,
    pub(super) start: Vec<Start>,
}

impl Flags {
    /// No flags, with the settings of the configuration files.
    pub(super) fn new(environment: &Environment) -> Result<Flags> {
        Ok(Flags {
            common: Common::new(settings::file::load(environment)?),
            stop: None,
            start: vec![],
        })
    }

    /// Ends parsing: what comes after does not matter.
    fn stop(&mut self, stop: Stop) -> Result<()> {
        self.stop = Some(stop);
        Err(Failure::Exit(0))
    }
}

static FLAGS: &[Flag<Flags>] = &[
    Flag {
        names: &["--file", "-f"],
        values: &["path"],
        help: "Load a file first. May be repeated.",
        apply: |flags, values| {
            flags.start.push(Start::File(values[0].clone()));
            Ok(())
        },
    },
    Flag {
        names: &["--expr", "-E"],
        values: &["expression"],
        help: "Load the value of an expression first. May be repeated.",
        apply: |flags, values| {
            flags.start.push(Start::Expression(values[0].clone()));
            Ok(())
        },
    },
    Flag {
        names: &["--impure"],
        values: &[],
        help: "",
        apply: |flags, _| flags.common.settings.set("pure-eval", "false"),
    },
    Flag {
        names: &["--version"],
        values: &[],
        help: "Print the version.",
        apply: |flags, _| flags.stop(Stop::Version),
    },
    Flag {
        names: &["--help"],
        values: &[],
        help: "Print this.",
        apply: |flags, _| flags.stop(Stop::Help),
    },
];

impl Arguments for Flags {
    type Common = Common;
    const COMMON_FLAGS: &'static [&'static [Flag<Common>]] = WITH_EVALUATION;
    const FLAGS: &'static [Flag<Flags>] = FLAGS;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn other_flag(&mut self, name: &str) -> Option<OtherFlag<Flags>> {
        Common::setting_flag(name, Flags::common)
    }

    fn positional(&mut self, arg: Arg) -> Result<bool> {
        if arg.starts_with(b"-") {
            return Ok(false);
        }
        self.start.push(Start::File(arg));
        Ok(true)
    }
}
