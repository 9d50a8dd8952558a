//! Flags that all classic commands share.

use crate::args::{Arg, Flag, OtherFlag, lossy};
use crate::failure::{Failure, Result};
use crate::log::{self, Format, Logger};
use crate::progress::Display;
use crate::report::{Layout, Style};
use crate::settings::{self, SettingFlag, Settings};
use nivis_eval::settings::SearchPathElement;
use std::collections::BTreeMap;

/// A value for an argument of the functions at the top (`--arg` and its kin).
#[derive(Clone, Debug)]
pub(crate) enum AutoArg {
    /// `--arg`: an expression.
    Expression(Vec<u8>),
    /// `--argstr`: the string itself.
    Text(Vec<u8>),
    /// `--arg-from-file`: the contents of a file.
    File(Vec<u8>),
    /// `--arg-from-stdin`: what standard input gives.
    Stdin,
}

/// What the common flags say.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    /// Settings of the configuration files, changed by flags.
    pub(crate) settings: Settings,
    /// `-v`, `--quiet`, `--debug`
    pub(crate) verbosity: u8,
    /// `--log-format`
    pub(crate) log_format: Format,
    /// `--log-format` and `-Q`: how builds are shown.
    pub(crate) display: Display,
    /// `--events`: where to write what happens, as lines of JSON.
    pub(crate) events: Option<Arg>,
    /// `--readonly-mode`
    pub(crate) read_only: bool,
    /// `--repair`: what is written to the store replaces what is damaged there.
    pub(crate) repair: bool,
    /// `--no-gc-warning` clears it.
    pub(crate) gc_warning: bool,
    /// `--store`
    pub(crate) store: Option<String>,
    /// `--eval-store`
    pub(crate) eval_store: Option<String>,
    /// `-I`
    pub(crate) search_path: Vec<SearchPathElement>,
    /// `--arg` and its kin, in the order of their names.
    pub(crate) auto_args: BTreeMap<Vec<u8>, AutoArg>,
}

impl Common {
    /// The defaults, with the settings of the configuration files.
    pub(crate) fn new(settings: Settings) -> Common {
        Common {
            settings,
            verbosity: log::NORMAL,
            log_format: Format::Text,
            display: Display::Auto,
            events: None,
            read_only: false,
            repair: false,
            gc_warning: true,
            store: None,
            eval_store: None,
            search_path: vec![],
            auto_args: BTreeMap::new(),
        }
    }

    /// Where messages go. `style` says about colours.
    pub(crate) fn logger(&self, style: Style) -> Logger {
        let logger = Logger {
            verbosity: self.verbosity,
            format: self.log_format,
            style: Style {
                show_trace: self.settings.bool("show-trace"),
                layout: Layout::parse(self.settings.text("error-format")).unwrap_or_default(),
                ..style
            },
        };
        log::remember(logger);
        logger
    }

    /// The flag of a setting.
    pub(crate) fn setting_flag<T: 'static>(
        name: &str,
        common: fn(&mut T) -> &mut Common,
    ) -> Option<OtherFlag<T>> {
        let flag = settings::flag(name.strip_prefix("--")?)?;
        Some(OtherFlag {
            values: usize::from(matches!(flag, SettingFlag::Value(..))),
            is_own: false,
            apply: Box::new(move |command, values| {
                let value = values.first().map(|value| lossy(value)).unwrap_or_default();
                common(command).settings.apply(flag, &value)
            }),
        })
    }

    /// The type of machine: the setting `system`, or this machine's.
    pub(crate) fn system(&self) -> String {
        match self.settings.text("system") {
            "" => format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
            system => system.to_owned(),
        }
    }

    fn auto_arg(&mut self, name: &Arg, value: AutoArg) -> Result<()> {
        self.auto_args.insert(name.clone(), value);
        Ok(())
    }

    fn number(&mut self, setting: &str, value: &Arg) -> Result<()> {
        let number = settings::integer(&lossy(value)).map_err(Failure::Usage)?;
        self.settings.set(setting, &number.to_string())
    }
}

fn log_format(name: &str) -> Result<(Format, Display)> {
    match name {
        "raw" => Ok((Format::Text, Display::Raw)),
        "raw-with-logs" => Ok((Format::Text, Display::RawWithLogs)),
        "bar" => Ok((Format::Text, Display::Bar)),
        "bar-with-logs" => Ok((Format::Text, Display::BarWithLogs)),
        "internal-json" => Ok((Format::Json, Display::Json)),
        _ => Err(Failure::Plain(format!(
            "option 'log-format' has an invalid value '{name}'"
        ))),
    }
}

macro_rules! switch {
    ($names:expr, $help:expr, |$common:ident| $body:expr) => {
        Flag {
            names: $names,
            values: &[],
            help: $help,
            apply: |$common, _| {
                $body;
                Ok(())
            },
        }
    };
}

macro_rules! valued {
    ($names:expr, $values:expr, $help:expr, |$common:ident, $args:ident| $body:expr) => {
        Flag {
            names: $names,
            values: $values,
            help: $help,
            apply: |$common, $args| $body,
        }
    };
}

/// The flags of a command that evaluates.
pub(crate) static WITH_EVALUATION: &[&[Flag<Common>]] = &[EVALUATION_FLAGS, COMMON_FLAGS];

/// Flags of the commands that evaluate.
pub(crate) static EVALUATION_FLAGS: &[Flag<Common>] = &[
    valued!(
        &["--arg"],
        &["name", "expr"],
        "Pass the value of expr as the argument name of functions at the top.",
        |common, args| common.auto_arg(&args[0], AutoArg::Expression(args[1].clone()))
    ),
    valued!(
        &["--argstr"],
        &["name", "string"],
        "Pass the string as the argument name of functions at the top.",
        |common, args| common.auto_arg(&args[0], AutoArg::Text(args[1].clone()))
    ),
    valued!(
        &["--arg-from-file"],
        &["name", "path"],
        "Pass the contents of a file as the argument name of functions at the top.",
        |common, args| common.auto_arg(&args[0], AutoArg::File(args[1].clone()))
    ),
    valued!(
        &["--arg-from-stdin"],
        &["name"],
        "Pass what standard input gives as the argument name of functions at the top.",
        |common, args| common.auto_arg(&args[0], AutoArg::Stdin)
    ),
    valued!(
        &["--include", "-I"],
        &["path"],
        "Look for <name> in path, or with prefix=path for <prefix/…>, before NIX_PATH.",
        |common, args| {
            common.search_path.push(SearchPathElement::parse(&args[0]));
            Ok(())
        }
    ),
    switch!(&["--impure"], "Undo pure-eval.", |common| common
        .settings
        .set("pure-eval", "false")?),
    valued!(
        &["--eval-store"],
        &["store"],
        "Write derivations to that store.",
        |common, args| {
            common.eval_store = Some(lossy(&args[0]));
            Ok(())
        }
    ),
];

/// Flags of all commands.
pub(crate) static COMMON_FLAGS: &[Flag<Common>] = &[
    switch!(&["--readonly-mode"], "Write nothing to the store.", |common| {
        common.read_only = true
    }),
    valued!(
        &["--store"],
        &["store"],
        "Use that store: a path, local?root=PATH, auto, or dummy:// for none.",
        |common, args| {
            common.store = Some(lossy(&args[0]));
            Ok(())
        }
    ),
    valued!(
        &["--option"],
        &["name", "value"],
        "Set a setting. A setting is a flag, too: --name VALUE, --extra-name VALUE, --name or --no-name.",
        |common, args| match common.settings.set(&lossy(&args[0]), &lossy(&args[1])) {
            // Scripts pass settings of other versions; a bad one is no reason to stop.
            Err(Failure::Usage(message)) => {
                common.settings.warn(message);
                Ok(())
            }
            outcome => outcome,
        }
    ),
    switch!(&["--verbose", "-v"], "Tell more; may be repeated.", |common| {
        common.verbosity = (common.verbosity + 1).min(log::MAX)
    }),
    switch!(&["--quiet"], "Tell less; may be repeated.", |common| common
        .verbosity =
        common.verbosity.saturating_sub(1)),
    switch!(&["--debug"], "Tell everything.", |common| common.verbosity =
        log::MAX - 1),
    valued!(
        &["--log-format"],
        &["format"],
        "How messages look: raw, raw-with-logs, bar, bar-with-logs or internal-json.",
        |common, args| {
            (common.log_format, common.display) = log_format(&lossy(&args[0]))?;
            Ok(())
        }
    ),
    valued!(
        &["--error-format"],
        &["format"],
        "How errors look: auto, human, reference (as C++ Nix shows them) or json.",
        |common, args| common.settings.set("error-format", &lossy(&args[0]))
    ),
    switch!(
        &["--no-gc-warning"],
        "Do not warn when --add-root is missing.",
        |common| common.gc_warning = false
    ),
    valued!(
        &["--max-jobs", "-j"],
        &["jobs"],
        "Run so many builds at once; auto is one for each core.",
        |common, args| common.settings.set("max-jobs", &lossy(&args[0]))
    ),
    valued!(
        &["--cores"],
        &["n"],
        "How many cores a build may use; 0 is all.",
        |common, args| common.number("cores", &args[0])
    ),
    valued!(
        &["--max-silent-time"],
        &["seconds"],
        "End builds that write nothing for so long.",
        |common, args| common.number("max-silent-time", &args[0])
    ),
    valued!(
        &["--timeout"],
        &["seconds"],
        "End builds that take so long.",
        |common, args| common.number("timeout", &args[0])
    ),
    switch!(
        &["--keep-going", "-k"],
        "After a failure, build what does not need what failed.",
        |common| common.settings.set("keep-going", "true")?
    ),
    switch!(
        &["--keep-failed", "-K"],
        "Keep the folders of failed builds.",
        |common| common.settings.set("keep-failed", "true")?
    ),
    switch!(&["--fallback"], "", |common| common
        .settings
        .set("fallback", "true")?),
    switch!(
        &["--no-build-output", "-Q"],
        "Do not show what builders write.",
        |common| common.display = Display::Quiet
    ),
    valued!(
        &["--events"],
        &["path"],
        "Write what happens to builds to a file, a socket or fd:N, as lines of JSON.",
        |common, args| {
            common.events = Some(args[0].clone());
            Ok(())
        }
    ),
];
