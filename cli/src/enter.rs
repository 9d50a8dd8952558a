//! `nivis enter`: runs a program where the store is at its place.

use crate::args::{self, Arg, lossy};
use crate::failure::{Failure, Result};
use crate::options::Common;
use crate::program::Invocation;
use crate::store_entry::{Entry, start_inside};
use crate::{env, help, interrupt, settings, store_choice};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const EXPLANATION: &str = "\
Usage: nivis enter [--store PATH] [PROGRAM [ARGUMENT…]]

Runs a program, or your shell, where the store that the other commands use is at its place. A store
of your own below ~/.local/share/nix, or one elsewhere that you name with --store, is not there for
programs started outside. Programs of your profile are found. You are who you are in there, but cannot
become anybody else (with sudo, say).
";

/// Runs the command.
pub(crate) fn run(invocation: &Invocation) -> Result<()> {
    let mut common = Common::new(settings::file::load(&invocation.environment)?);
    let mut arguments = invocation.args.as_slice();
    loop {
        match arguments {
            [flag, ..] if flag == b"--help" => return help::print(EXPLANATION),
            [flag, value, rest @ ..] if flag == b"--store" => {
                common.store = Some(lossy(value));
                arguments = rest;
            }
            [flag, rest @ ..] if flag == b"--" => {
                arguments = rest;
                break;
            }
            [flag, ..] if flag.starts_with(b"-") => {
                return Err(Failure::Usage(format!("unrecognised flag '{}'", lossy(flag))));
            }
            _ => break,
        }
    }
    let root = store_choice::root(common.store.as_deref(), &common.settings, &invocation.environment)?;
    match (invocation.entry, root) {
        (Entry::Failed, _) => Err(Failure::Plain(
            "cannot enter the store: this system grants no user and mount namespaces".to_owned(),
        )),
        (Entry::NotTried, Some(root)) => start_inside(invocation, &root),
        _ => start(invocation, &common, arguments),
    }
}

/// Becomes the program.
fn start(invocation: &Invocation, common: &Common, command: &[Arg]) -> Result<()> {
    let os = |arg: &Arg| OsStr::from_bytes(arg).to_owned();
    let shell = || env::variable(b"SHELL").unwrap_or_else(|| b"/bin/sh".to_vec());
    let (program, arguments) = match command.split_first() {
        Some((program, arguments)) => (program.clone(), arguments),
        None => (shell(), &[][..]),
    };
    let mut path = OsString::new();
    if let Some(profile) = profile(invocation, common) {
        path.push(profile.join("bin"));
        path.push(":");
    }
    path.push(OsStr::from_bytes(&env::variable(b"PATH").unwrap_or_default()));
    // The program wants its signals.
    interrupt::unblock();
    let error = Command::new(os(&program))
        .args(arguments.iter().map(os))
        .env("PATH", path)
        .exec();
    let message = nivis_store::io_error::message(&error);
    Err(Failure::Plain(format!(
        "executing '{}': {message}",
        args::lossy(&program)
    )))
}

/// Where the programs of the user's profile are.
fn profile(invocation: &Invocation, common: &Common) -> Option<PathBuf> {
    let environment = &invocation.environment;
    match common.settings.bool("use-xdg-base-directories") {
        true => environment.state_home.as_ref().map(|home| home.join("profile")),
        false => environment
            .home
            .as_deref()
            .map(|home: &Path| home.join(".nix-profile")),
    }
}
