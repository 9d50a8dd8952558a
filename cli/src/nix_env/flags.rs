//! The flags of `nix-env`.
//!
//! Which flags an operation knows is the operation's affair, and it may be named after them: those that are in no
//! table are collected in [`Flags::operation_flags`] and looked at when the operation runs.

use crate::args::{Arg, Arguments, Flag, OtherFlag, lossy};
use crate::failure::{Failure, Result};
use crate::options::{Common, WITH_EVALUATION};
use crate::session::current_dir;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// The explanation of the command, with the flags that depend on the operation.
pub(super) const EXPLANATION: &str = "\
Lists packages, and installs them into profiles.

Operations:
  --query, -q             List packages: installed ones, or with -a those that can be installed.
      --installed, --available -a, --attr -A PATH: what to list
      --status -s, --attr-path -P, --no-name, --compare-versions -c, --system, --drv-path, --out-path,
      --description, --meta: what to show
      --xml, --json: how to show it
  --install, -i           Install packages, in place of those of the same names.
      --attr -A, --from-expression -E, --from-profile PROFILE: what the arguments are
      --preserve-installed -P, --remove-all -r: what becomes of others; --priority N
  --upgrade, -u           Replace installed packages by newer ones.
      --lt, --leq, --eq, --always: which versions are taken
  --uninstall, -e         Remove packages from the profile.
  --set                   Make a package the profile.
  --set-flag NAME VALUE   Set priority, keep or active of installed packages.
  --list-generations, --delete-generations (numbers, old, 14d, +5)
  --rollback, --switch-generation -G N, --switch-profile -S PROFILE
  --version, --help

Packages are selected by name or name-version; the name may be a regular expression. With --keep-going,
packages that cannot be evaluated are reported at the end instead of ending the listing.";

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operation {
    /// `--install`
    Install,
    /// `--uninstall`
    Uninstall,
    /// `--upgrade`
    Upgrade,
    /// `--set-flag`
    SetFlag,
    /// `--set`
    Set,
    /// `--query`
    Query,
    /// `--switch-profile`
    SwitchProfile,
    /// `--switch-generation`
    SwitchGeneration,
    /// `--rollback`
    Rollback,
    /// `--list-generations`
    ListGenerations,
    /// `--delete-generations`
    DeleteGenerations,
    /// `--version`
    Version,
}

/// What the command line says.
pub(super) struct Flags {
    pub(super) common: Common,
    pub(super) operation: Option<Operation>,
    pub(super) help: bool,
    /// Flags of the operation with their values.
    pub(super) operation_flags: Vec<Arg>,
    /// Selectors and the like.
    pub(super) arguments: Vec<Arg>,
    /// `--file`
    pub(super) file: Option<Arg>,
    /// `--profile`
    pub(super) profile: Option<PathBuf>,
    /// `--system-filter`
    pub(super) system_filter: Option<Arg>,
    /// `--prebuilt-only`
    pub(super) prebuilt_only: bool,
    /// `--dry-run`
    pub(super) dry_run: bool,
    /// `--force-name`
    pub(super) force_name: Option<Arg>,
    /// `--repair`
    pub(super) repair: bool,
}

impl Flags {
    /// No flags but the common ones.
    pub(super) fn new(common: Common) -> Flags {
        Flags {
            common,
            operation: None,
            help: false,
            operation_flags: vec![],
            arguments: vec![],
            file: None,
            profile: None,
            system_filter: None,
            prebuilt_only: false,
            dry_run: false,
            force_name: None,
            repair: false,
        }
    }

    fn operate(&mut self, operation: Operation) -> Result<()> {
        match self.operation.replace(operation) {
            Some(other) if other != operation => {
                Err(Failure::Usage("only one operation may be specified".to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// A flag for the operation to look at; some take a value.
    fn operation_flag(&self, name: &str) -> OtherFlag<Flags> {
        let takes_value = match name {
            "--from-profile" => true,
            "--attr" | "-A" => self.operation == Some(Operation::Query),
            "--priority" => self.operation == Some(Operation::Install),
            _ => false,
        };
        let name = name.as_bytes().to_vec();
        OtherFlag {
            values: usize::from(takes_value),
            is_own: true,
            apply: Box::new(move |flags: &mut Flags, values| {
                flags.operation_flags.push(name);
                flags.operation_flags.extend_from_slice(values);
                Ok(())
            }),
        }
    }
}

/// An absolute path.
pub(super) fn absolute(path: &[u8]) -> Result<PathBuf> {
    let path = nivis_lang::path::absolute(&current_dir()?, path);
    Ok(OsString::from_vec(path).into())
}

/// The error for a flag that the operation does not know.
pub(super) fn unknown(flag: &[u8]) -> Failure {
    Failure::Usage(format!("unknown flag '{}'", lossy(flag)))
}

macro_rules! operation {
    ($names:expr, $operation:ident) => {
        Flag {
            names: $names,
            values: &[],
            help: "",
            apply: |flags, _| flags.operate(Operation::$operation),
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

/// The flags that do not depend on the operation.
pub(super) static FLAGS: &[Flag<Flags>] = &[
    operation!(&["--install", "-i"], Install),
    operation!(&["--uninstall", "-e"], Uninstall),
    operation!(&["--upgrade", "-u"], Upgrade),
    operation!(&["--set-flag"], SetFlag),
    operation!(&["--set"], Set),
    operation!(&["--query", "-q"], Query),
    operation!(&["--switch-profile", "-S"], SwitchProfile),
    operation!(&["--switch-generation", "-G"], SwitchGeneration),
    operation!(&["--rollback"], Rollback),
    operation!(&["--list-generations"], ListGenerations),
    operation!(&["--delete-generations"], DeleteGenerations),
    operation!(&["--version"], Version),
    switch!(&["--help"], "Print this.", |flags| flags.help = true),
    valued!(
        &["--file", "-f"],
        "path",
        "Where packages come from: a file, a folder of files, <name> or a URL; by default ~/.nix-defexpr.",
        |flags, arg| flags.file = Some(arg.clone()).filter(|file| !file.is_empty())
    ),
    valued!(
        &["--profile", "-p"],
        "path",
        "The profile to look at or change; by default NIX_PROFILE or ~/.nix-profile.",
        |flags, arg| flags.profile = Some(absolute(arg)?)
    ),
    valued!(
        &["--system-filter"],
        "system",
        "Only packages for that type of machine; * is any.",
        |flags, arg| flags.system_filter = Some(arg.clone())
    ),
    switch!(
        &["--prebuilt-only", "-b"],
        "Only packages that are in the store or in a cache.",
        |flags| flags.prebuilt_only = true
    ),
    switch!(&["--dry-run"], "Say what would be done.", |flags| flags.dry_run =
        true),
    switch!(
        &["--repair"],
        "Replace what is missing or changed of what is installed.",
        |flags| {
            flags.repair = true;
            flags.common.repair = true;
        }
    ),
    valued!(&["--force-name"], "name", "", |flags, arg| flags.force_name =
        Some(arg.clone()).filter(|name| !name.is_empty())),
];

impl Arguments for Flags {
    type Common = Common;
    const COMMON_FLAGS: &'static [&'static [Flag<Common>]] = WITH_EVALUATION;
    const FLAGS: &'static [Flag<Flags>] = FLAGS;

    fn common(&mut self) -> &mut Common {
        &mut self.common
    }

    fn other_flag(&mut self, name: &str) -> Option<OtherFlag<Flags>> {
        // There is a setting of that name, too.
        match name {
            "--system" => Some(self.operation_flag(name)),
            _ => Common::setting_flag(name, Flags::common).or_else(|| Some(self.operation_flag(name))),
        }
    }

    fn positional(&mut self, arg: Arg) -> Result<bool> {
        match arg.first() {
            Some(b'-') => self.operation_flags.push(arg),
            _ => self.arguments.push(arg),
        }
        Ok(true)
    }
}
