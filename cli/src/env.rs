//! The environment: the one place that reads it, and what each variable means.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The variables that nivis looks at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Environment {
    /// `NIX_STORE_DIR` (`NIX_STORE`): the folder of the store.
    pub(crate) store_dir: Option<String>,
    /// `NIX_PATH`: where `<name>` is looked for, `:` between the elements.
    pub(crate) nix_path: Option<Vec<u8>>,
    /// `HOME`
    pub(crate) home: Option<PathBuf>,
    /// `NIX_COUNT_CALLS`: count calls by function, for the statistics.
    pub(crate) count_calls: bool,
    /// `NIX_ABORT_ON_WARN`: `builtins.warn` fails.
    pub(crate) abort_on_warn: bool,
    /// `NO_COLOR`, `NOCOLOR`, or `TERM` is missing or `dumb`: no colours.
    pub(crate) no_colour: bool,
}

impl Environment {
    /// Reads the variables.
    pub(crate) fn read() -> Environment {
        Environment {
            store_dir: text("NIX_STORE_DIR").or_else(|| text("NIX_STORE")),
            nix_path: variable(b"NIX_PATH"),
            home: non_empty("HOME").map(PathBuf::from),
            count_calls: is_on("NIX_COUNT_CALLS"),
            abort_on_warn: matches!(text("NIX_ABORT_ON_WARN").as_deref(), Some("1" | "yes" | "true")),
            no_colour: std::env::var_os("NO_COLOR").is_some()
                || std::env::var_os("NOCOLOR").is_some()
                || text("TERM").is_none_or(|terminal| terminal == "dumb"),
        }
    }
}

/// Any variable, for `builtins.getEnv`.
pub(crate) fn variable(name: &[u8]) -> Option<Vec<u8>> {
    let name = std::ffi::OsStr::from_bytes(name);
    // The standard library panics on names that no variable can have.
    if name.is_empty() || name.as_bytes().iter().any(|byte| matches!(byte, b'=' | 0)) {
        return None;
    }
    std::env::var_os(name).map(OsString::into_vec)
}

fn non_empty(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn text(name: &str) -> Option<String> {
    non_empty(name).map(|value| value.to_string_lossy().into_owned())
}

/// Set, and not to `0`.
fn is_on(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| value != "0")
}
