//! The command line of `nix-build` and `nix-shell`, which share most of it.

use crate::args::{Apply, Arg, Arguments, Flag, OtherFlag, lossy};
use crate::env::Environment;
use crate::failure::{Failure, Result};
use crate::inputs::Input;
use crate::options::{Common, WITH_EVALUATION};
use crate::settings;
use nivis_builder::Mode;

/// Flags that end the command at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// `--help`
    Help,
    /// `--version`
    Version,
}

/// What the command line says.
pub(crate) struct Flags {
    pub(crate) common: Common,
    pub(crate) stop: Option<Stop>,
    /// Whether it is `nix-shell`.
    pub(crate) shell: bool,
    pub(crate) dry_run: bool,
    /// `--json`: with `--dry-run`
    pub(crate) json: bool,
    pub(crate) mode: Mode,
    /// `--out-link`; `None` with `--no-out-link`.
    pub(crate) out_link: Option<Arg>,
    /// `--debug-shell`
    pub(crate) debug_shell: bool,
    /// `--expr`
    pub(crate) expressions: bool,
    /// `-`
    pub(crate) stdin: bool,
    attr_paths: Vec<Arg>,
    pub(crate) arguments: Vec<Arg>,
    pub(crate) for_shell: ForShell,
}

/// What only `nix-shell` uses.
#[derive(Debug, Default)]
pub(crate) struct ForShell {
    pub(crate) pure: bool,
    /// `--packages`
    pub(crate) packages: bool,
    /// `--command`, `--run`
    pub(crate) command: Option<Arg>,
    /// `--run` and `-i`: not interactive, whatever the terminal.
    pub(crate) batch: bool,
    /// `-i`
    pub(crate) interpreter: Option<Arg>,
    /// `--keep`
    pub(crate) keep: Vec<Arg>,
    /// `--exclude`
    pub(crate) exclude: Vec<Arg>,
    /// Whether the flags are those of a script's first lines.
    pub(crate) in_script: bool,
}

impl Flags {
    /// No flags, with the settings of the configuration files.
    pub(crate) fn new(environment: &Environment, shell: bool) -> Result<Flags> {
        Ok(Flags {
            common: Common::new(settings::file::load(environment)?),
            stop: None,
            shell,
            dry_run: false,
            json: false,
            mode: Mode::Normal,
            out_link: Some(b"./result".to_vec()),
            debug_shell: false,
            expressions: false,
            stdin: false,
            attr_paths: vec![],
            arguments: vec![],
            for_shell: ForShell::default(),
        })
    }

    /// What is to be evaluated; `default` names the file if the command line names none.
    pub(crate) fn inputs(&self, default: &str) -> Vec<Input> {
        if self.stdin {
            return vec![Input::Stdin];
        }
        if self.arguments.is_empty() && !self.expressions {
            return vec![Input::File(default.as_bytes().to_vec())];
        }
        let input = |arg: &Arg| match self.expressions {
            true => Input::Expression(arg.clone()),
            false => Input::File(arg.clone()),
        };
        self.arguments.iter().map(input).collect()
    }

    /// Which parts of each value are wanted: at least the whole.
    pub(crate) fn attr_paths(&self) -> Vec<&[u8]> {
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

macro_rules! valued {
    ($names:expr, $value:expr, $help:expr, |$flags:ident, $arg:ident| $body:expr) => {
        Flag {
            names: $names,
            values: &[$value],
            help: $help,
            apply: |$flags, values| {
                let $arg = &values[0];
                $body;
                Ok(())
            },
        }
    };
}

/// The flags of both.
pub(crate) static FLAGS: &[Flag<Flags>] = &[
    switch!(
        &["--expr", "-E"],
        "The arguments are expressions, not files.",
        |flags| flags.expressions = true
    ),
    valued!(
        &["--attr", "-A"],
        "path",
        "Select a part of the value: names and list indices with dots between. May be repeated.",
        |flags, path| flags.attr_paths.push(path.clone())
    ),
    valued!(
        &["--out-link", "-o"],
        "path",
        "Name the links to the results so, instead of result.",
        |flags, path| flags.out_link = Some(path.clone())
    ),
    switch!(
        &["--no-out-link", "--no-link"],
        "Make no links to the results.",
        |flags| { flags.out_link = None }
    ),
    switch!(&["--dry-run"], "Only say what would be done.", |flags| flags
        .dry_run =
        true),
    switch!(
        &["--json"],
        "With --dry-run: say it as JSON on standard output.",
        |flags| { flags.json = true }
    ),
    switch!(
        &["--check"],
        "Build what is built already once more, and compare.",
        |flags| flags.mode = Mode::Check
    ),
    switch!(
        &["--repair"],
        "Build again what is missing or damaged.",
        |flags| {
            flags.mode = Mode::Repair;
            flags.common.repair = true;
        }
    ),
    switch!(
        &["--debug-shell"],
        "When a build fails, open a shell in its sandbox.",
        |flags| flags.debug_shell = true
    ),
    switch!(&["--pure"], "", |flags| flags.for_shell.pure = true),
    switch!(&["--impure"], "", |flags| flags.for_shell.pure = false),
    valued!(&["--keep"], "name", "", |flags, name| flags
        .for_shell
        .keep
        .push(name.clone())),
    valued!(&["--exclude"], "regex", "", |flags, regex| flags
        .for_shell
        .exclude
        .push(regex.clone())),
    switch!(&["--run-env"], "", |flags| flags.shell = true),
    Flag {
        names: &["--drv-link"],
        values: &["path"],
        help: "",
        apply: |_, _| Ok(()),
    },
    Flag {
        names: &["--add-drv-link", "--indirect"],
        values: &[],
        help: "",
        apply: |_, _| Ok(()),
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
        let flag = |values, apply: Apply<Flags>| {
            Some(OtherFlag {
                values,
                is_own: true,
                apply,
            })
        };
        match name {
            "--command" | "--run" if self.shell => {
                let run = name == "--run";
                flag(
                    1,
                    Box::new(move |flags, values| {
                        flags.for_shell.batch |= run;
                        flags.for_shell.command = Some(values[0].clone());
                        Ok(())
                    }),
                )
            }
            "--packages" | "-p" if self.shell => flag(
                0,
                Box::new(|flags, _| {
                    flags.for_shell.packages = true;
                    Ok(())
                }),
            ),
            "-i" if self.shell && self.for_shell.in_script => flag(
                1,
                Box::new(|flags, values| {
                    flags.for_shell.batch = true;
                    flags.for_shell.interpreter = Some(values[0].clone());
                    Ok(())
                }),
            ),
            _ => Common::setting_flag(name, Flags::common),
        }
    }

    fn positional(&mut self, arg: Arg) -> Result<bool> {
        match &*arg {
            b"-" => self.stdin = true,
            [b'-', ..] => return Err(Failure::Usage(format!("unrecognised flag '{}'", lossy(&arg)))),
            _ => self.arguments.push(arg),
        }
        Ok(true)
    }
}
