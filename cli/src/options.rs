//! Flags that all classic commands share.

use crate::args::{Arg, Flag, lossy};
use crate::failure::Result;
use nivis_eval::settings::SearchPathElement;

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
    /// How much is told: 0 errors only, 3 normal.
    pub(crate) verbosity: u8,
    /// `--show-trace`
    pub(crate) show_trace: bool,
    /// `--readonly-mode`
    pub(crate) read_only: bool,
    /// `-I`
    pub(crate) search_path: Vec<SearchPathElement>,
    /// `--arg` and its kin, in the order of their names.
    pub(crate) auto_args: std::collections::BTreeMap<Vec<u8>, AutoArg>,
}

impl Default for Common {
    fn default() -> Common {
        Common {
            verbosity: 3,
            show_trace: false,
            read_only: false,
            search_path: vec![],
            auto_args: std::collections::BTreeMap::new(),
        }
    }
}

impl Common {
    fn auto_arg(&mut self, name: &Arg, value: AutoArg) -> Result<()> {
        self.auto_args.insert(name.clone(), value);
        Ok(())
    }
}

/// The flags.
pub(crate) static COMMON_FLAGS: &[Flag<Common>] = &[
    Flag {
        names: &["--arg"],
        values: &["name", "expr"],
        help: "Pass the value of expr as the argument name of functions.",
        apply: |common, values| common.auto_arg(&values[0], AutoArg::Expression(values[1].clone())),
    },
    Flag {
        names: &["--argstr"],
        values: &["name", "string"],
        help: "Pass string as the argument name of functions.",
        apply: |common, values| common.auto_arg(&values[0], AutoArg::Text(values[1].clone())),
    },
    Flag {
        names: &["--arg-from-file"],
        values: &["name", "path"],
        help: "Pass the contents of the file path as the argument name of functions.",
        apply: |common, values| common.auto_arg(&values[0], AutoArg::File(values[1].clone())),
    },
    Flag {
        names: &["--arg-from-stdin"],
        values: &["name"],
        help: "Pass what standard input gives as the argument name of functions.",
        apply: |common, values| common.auto_arg(&values[0], AutoArg::Stdin),
    },
    Flag {
        names: &["--include", "-I"],
        values: &["path"],
        help: "Look for <name> in path (or prefix=path) first.",
        apply: |common, values| {
            common.search_path.push(SearchPathElement::parse(&values[0]));
            Ok(())
        },
    },
    Flag {
        names: &["--show-trace"],
        values: &[],
        help: "Show all frames of errors.",
        apply: |common, _| {
            common.show_trace = true;
            Ok(())
        },
    },
    Flag {
        names: &["--option"],
        values: &["name", "value"],
        help: "Set the setting name to value.",
        apply: |common, values| {
            if lossy(&values[0]) == "show-trace" {
                common.show_trace = lossy(&values[1]) == "true";
            }
            Ok(())
        },
    },
    Flag {
        names: &["--readonly-mode"],
        values: &[],
        help: "Write nothing to the store.",
        apply: |common, _| {
            common.read_only = true;
            Ok(())
        },
    },
    Flag {
        names: &["--verbose", "-v"],
        values: &[],
        help: "Tell more.",
        apply: |common, _| {
            common.verbosity = (common.verbosity + 1).min(7);
            Ok(())
        },
    },
    Flag {
        names: &["--quiet"],
        values: &[],
        help: "Tell less.",
        apply: |common, _| {
            common.verbosity = common.verbosity.saturating_sub(1);
            Ok(())
        },
    },
];
