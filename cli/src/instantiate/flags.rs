//! The flags of `nix-instantiate`.

use crate::args::{Arg, Arguments, Flag, OtherFlag};
use crate::failure::Result;
use crate::options::{COMMON_FLAGS, Common};

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

/// Where an expression comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Input {
    /// `-`
    Stdin,
    /// `--expr`
    Expression(Vec<u8>),
    /// A file.
    File(Vec<u8>),
}

/// What the command line says.
#[derive(Default)]
pub(super) struct Flags {
    pub(super) common: Common,
    pub(super) version: bool,
    pub(super) stdin: bool,
    pub(super) expressions: bool,
    pub(super) eval_only: bool,
    pub(super) parse_only: bool,
    pub(super) read_write: bool,
    pub(super) strict: bool,
    pub(super) output: Output,
    attr_paths: Vec<Arg>,
    arguments: Vec<Arg>,
}

impl Flags {
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

    /// Which parts of each value are wanted: at least the whole.
    pub(super) fn attr_paths(&self) -> Vec<&[u8]> {
        match self.attr_paths.is_empty() {
            true => vec![b""],
            false => self.attr_paths.iter().map(Vec::as_slice).collect(),
        }
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

impl Arguments for Flags {
    type Common = Common;
    const COMMON_FLAGS: &'static [Flag<Common>] = COMMON_FLAGS;
    const FLAGS: &'static [Flag<Flags>] = &[
        switch!(&["--version"], "Print the version.", |flags| flags.version = true),
        switch!(
            &["--expr", "-E"],
            "Arguments are expressions, not files.",
            |flags| flags.expressions = true
        ),
        switch!(&["--eval", "--eval-only"], "Print the value.", |flags| flags
            .eval_only =
            true),
        switch!(&["--parse", "--parse-only"], "Print the syntax tree.", |flags| {
            flags.parse_only = true;
            flags.eval_only = true
        }),
        switch!(
            &["--read-write-mode"],
            "Write to the store even with --eval.",
            |flags| flags.read_write = true
        ),
        switch!(&["--dry-run"], "Write nothing to the store.", |flags| flags
            .common
            .read_only =
            true),
        switch!(&["--strict"], "Evaluate all parts of the value.", |flags| flags
            .strict =
            true),
        switch!(&["--raw"], "Print a string as it is.", |flags| flags.output =
            Output::Raw),
        switch!(&["--xml"], "Print XML.", |flags| flags.output = Output::Xml),
        switch!(&["--json"], "Print JSON.", |flags| flags.output = Output::Json),
        Flag {
            names: &["--attr", "-A"],
            values: &["path"],
            help: "Select an attribute.",
            apply: |flags, values| {
                flags.attr_paths.push(values[0].clone());
                Ok(())
            },
        },
    ];

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn other_flag(&mut self, _: &str) -> Option<OtherFlag<Flags>> {
        None
    }

    fn positional(&mut self, arg: Arg) -> Result<bool> {
        match &*arg {
            b"-" => self.stdin = true,
            _ => self.arguments.push(arg),
        }
        Ok(true)
    }
}
