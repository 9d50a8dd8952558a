//! The flags of `nix-instantiate`.

use crate::args::{Arg, Arguments, Flag, OtherFlag};
use crate::env::Environment;
use crate::failure::{Failure, Result};
use crate::inputs::Input;
use crate::options::{Common, WITH_EVALUATION};
use crate::settings;

/// How `--eval` prints.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Output {
    /// As an expression.
    #[default]
    Plain,
    /// `--raw`: the string itself.
    Raw,
    /// `--xml`
    Xml,
    /// `--json`
    Json,
}

/// Flags that end the command at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    /// `--help`
    Help,
    /// `--version`
    Version,
}

/// What the command line says.
pub(super) struct Flags {
    pub(super) common: Common,
    pub(super) stop: Option<Stop>,
    pub(super) eval_only: bool,
    pub(super) parse_only: bool,
    pub(super) find_file: bool,
    pub(super) read_write: bool,
    pub(super) strict: bool,
    pub(super) output: Output,
    pub(super) locations: bool,
    /// `--add-root`
    pub(super) root: Option<Arg>,
    stdin: bool,
    expressions: bool,
    attr_paths: Vec<Arg>,
    arguments: Vec<Arg>,
}

impl Flags {
    /// No flags, with the settings of the configuration files.
    pub(super) fn new(environment: &Environment) -> Result<Flags> {
        Ok(Flags {
            common: Common::new(settings::file::load(environment)?),
            stop: None,
            eval_only: false,
            parse_only: false,
            find_file: false,
            read_write: false,
            strict: false,
            output: Output::Plain,
            locations: true,
            root: None,
            stdin: false,
            expressions: false,
            attr_paths: vec![],
            arguments: vec![],
        })
    }

    /// What is to be evaluated.
    pub(super) fn inputs(&self) -> Vec<Input> {
        let mut inputs = vec![];
        if self.stdin {
            inputs.push(Input::Stdin);
        } else if self.arguments.is_empty() && !self.expressions {
            inputs.push(Input::File(b"./default.nix".to_vec()));
        }
        inputs.extend(self.arguments.iter().map(|arg| match self.expressions {
            true => Input::Expression(arg.clone()),
            false => Input::File(arg.clone()),
        }));
        inputs
    }

    /// The arguments as they are.
    pub(super) fn arguments(&self) -> impl Iterator<Item = &[u8]> {
        self.arguments.iter().map(Vec::as_slice)
    }

    /// Which parts of each value are wanted: at least the whole.
    pub(super) fn attr_paths(&self) -> Vec<&[u8]> {
        match self.attr_paths.is_empty() {
            true => vec![b""],
            false => self.attr_paths.iter().map(Vec::as_slice).collect(),
        }
    }

    /// Ends parsing: what comes after does not matter.
    fn stop(&mut self, stop: Stop) -> Result<()> {
        self.stop = Some(stop);
        Err(Failure::Exit(0))
    }
}

macro_rules! switch {
    ($names:expr, $help:expr, |$flags:ident| $body:expr) => {
        Flag {
            names: $names,
            values: &[],
            help: $help,
            apply: |$flags, _| {
                $body;
                Ok(())
            },
        }
    };
}

/// The flags.
pub(super) static FLAGS: &[Flag<Flags>] = &[
    switch!(
        &["--expr", "-E"],
        "The arguments are expressions, not files.",
        |flags| flags.expressions = true
    ),
    Flag {
        names: &["--attr", "-A"],
        values: &["path"],
        help: "Select a part of the value: names and list indices with dots between. May be repeated.",
        apply: |flags, values| {
            flags.attr_paths.push(values[0].clone());
            Ok(())
        },
    },
    switch!(
        &["--eval", "--eval-only"],
        "Print the value instead of instantiating derivations.",
        |flags| flags.eval_only = true
    ),
    switch!(
        &["--strict"],
        "With --eval: evaluate all parts of the value.",
        |flags| flags.strict = true
    ),
    switch!(&["--raw"], "With --eval: print a string as it is.", |flags| {
        flags.output = Output::Raw
    }),
    switch!(&["--json"], "With --eval: print JSON.", |flags| flags.output =
        Output::Json),
    switch!(&["--xml"], "With --eval: print XML.", |flags| flags.output =
        Output::Xml),
    switch!(&["--no-location"], "With --xml: leave positions out.", |flags| {
        flags.locations = false
    }),
    switch!(
        &["--read-write-mode"],
        "With --eval: write derivations and sources to the store nevertheless.",
        |flags| flags.read_write = true
    ),
    switch!(&["--parse", "--parse-only"], "Print the syntax tree.", |flags| {
        flags.parse_only = true;
        flags.eval_only = true;
    }),
    switch!(
        &["--find-file"],
        "The arguments are names to look up in the search path; print where they are.",
        |flags| flags.find_file = true
    ),
    switch!(&["--dry-run"], "Write nothing to the store.", |flags| flags
        .common
        .read_only =
        true),
    Flag {
        names: &["--add-root"],
        values: &["path"],
        help: "Make a link at path to the derivation, which keeps it from being collected.",
        apply: |flags, values| {
            flags.root = Some(values[0].clone());
            Ok(())
        },
    },
    Flag {
        names: &["--indirect"],
        values: &[],
        help: "",
        apply: |_, _| Ok(()),
    },
    Flag {
        names: &["--repair"],
        values: &[],
        help: "Write derivations and sources again that are damaged in the store.",
        apply: |flags, _| {
            flags.common.repair = true;
            Ok(())
        },
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
        match &*arg {
            b"-" => self.stdin = true,
            [b'-', ..] => return Ok(false),
            _ => self.arguments.push(arg),
        }
        Ok(true)
    }
}
