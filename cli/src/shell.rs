//! `nix-shell`: a shell with the environment that a derivation is built in.

mod environment;
mod evaluate;
mod script;

use crate::build::flags::{Flags, Stop};
use crate::build::{realise, target};
use crate::failure::{Failure, Result};
use crate::hand_over::{self, Evaluated};
use crate::program::Invocation;
use crate::realise::Realiser;
use crate::store_session::StoreSession;
use crate::{args, help, interrupt};
use nivis_builder::realise::{OutputPaths, Outputs, Target};
use nivis_store::derivation::Derivation;
use nivis_store::error::StoreError;
use nivis_store::path::StorePath;
use regex::bytes::Regex;
use script::Script;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

const EXPLANATION: &str = "\
Opens a shell with the environment that the derivation is built in, which the expression gives (by
default that of ./shell.nix or else ./default.nix). What it needs is built first. As the interpreter
of a script, it takes options from the lines after the first that start with #! nix-shell.";

/// The flags that only this command has, for the help.
const OWN_FLAGS: &str = "
Options of nix-shell alone:
  --packages, -p PACKAGE…     A shell with those packages of <nixpkgs>, which are expressions.
  --command COMMAND           Run the command in the shell instead of asking for commands.
  --run COMMAND               As --command, but the shell is not interactive.
  --pure                      Keep nothing of the environment but what is needed.
  --keep NAME                 With --pure: keep that variable.
  --exclude REGEX             Do not build inputs whose paths match.
  -i INTERPRETER              In the first lines of a script: what runs it.";

/// Runs the command.
pub(crate) fn run(invocation: &Invocation) -> Result<()> {
    let (arguments, evaluates) = hand_over::arguments(invocation);
    let script = Script::read(&arguments)?;
    let arguments = script.as_ref().map_or(arguments, |script| script.flags.clone());
    let mut flags = Flags::new(&invocation.environment, true)?;
    flags.for_shell.in_script = script.is_some();
    let parsed = args::parse(&mut flags, arguments);
    match flags.stop {
        Some(Stop::Version) => return help::version(&invocation.name, invocation, Some(&flags.common)),
        Some(Stop::Help) => {
            let usage = format!("{} [OPTION]… [FILE]", invocation.called_as);
            return help::command::<Flags>(&usage, &format!("{EXPLANATION}\n{OWN_FLAGS}"));
        }
        None => parsed?,
    }
    if flags.for_shell.packages && flags.expressions {
        return Err(Failure::Usage("'-p' and '-E' are mutually exclusive".to_owned()));
    }
    match evaluates {
        true => evaluate::run(invocation, &flags, script.as_ref()),
        false => open(invocation, &flags, script.as_ref()),
    }
}

/// Runs `nix-build --run-env`, which is the same as this command.
pub(crate) fn run_env(invocation: &Invocation, flags: &Flags, evaluates: bool) -> Result<()> {
    match evaluates {
        true => evaluate::run(invocation, flags, None),
        false => open(invocation, flags, None),
    }
}

/// Builds what the derivation needs, and becomes the shell.
fn open(invocation: &Invocation, flags: &Flags, script: Option<&Script>) -> Result<()> {
    let session = StoreSession::after_warnings(invocation, &flags.common)?;
    let kind = if flags.for_shell.pure { "pure" } else { "impure" };
    let evaluated = hand_over::evaluate(invocation, &[("IN_NIX_SHELL", kind)], &session.store)?;
    let Some(wanted) = evaluated.wanted.first() else {
        return Err(Failure::Usage(
            "nix-shell requires a single derivation".to_owned(),
        ));
    };
    let drv = session.store.read_derivation(&wanted.drv)?;
    let targets = targets(&session, &drv, flags, &evaluated)?;
    let Some(outputs) = realise(&Realiser::of(&session), &targets, flags)? else {
        return Ok(());
    };
    let drv = resolved(&session, drv, &outputs)?;
    let shell = shell(invocation, &session, &evaluated)?;
    let opened = environment::prepare(&session, flags, script, &drv, &shell)?;
    // The shell and what it starts want their signals.
    interrupt::unblock();
    let error = Command::new(OsStr::from_bytes(&shell))
        .arg0("bash")
        .args(opened.arguments)
        .env_clear()
        .envs(
            opened
                .variables
                .into_iter()
                .map(|(name, value)| (OsString::from_vec(name), OsString::from_vec(value))),
        )
        .exec();
    let message = nivis_store::io_error::message(&error);
    Err(Failure::Plain(format!(
        "executing shell '{}': {message}",
        args::lossy(&shell)
    )))
}

/// The derivation with the paths of its inputs, which were built, where it had only what stands for them.
fn resolved(session: &StoreSession, drv: Derivation, outputs: &OutputPaths) -> Result<Derivation> {
    let is_enabled = session.common.settings.has_feature("ca-derivations");
    if !drv.must_be_resolved(is_enabled).map_err(StoreError::from)? {
        return Ok(drv);
    }
    let store = &session.store;
    let resolved = drv.resolve(store.store_dir(), &mut |input, output| match outputs
        .get(&(input.clone(), output.to_owned()))
    {
        Some(path) => Ok(Some(path.clone())),
        None => store.query_output_path(&store.read_derivation(input)?, output),
    })?;
    // What was excluded may be missing.
    Ok(resolved.map_or(drv, |(resolved, _)| resolved))
}

/// What must be there: inputs of the derivation, and the shell.
fn targets(
    session: &StoreSession,
    drv: &Derivation,
    flags: &Flags,
    evaluated: &Evaluated,
) -> Result<Vec<Target>> {
    let mut excluded = vec![];
    for pattern in &flags.for_shell.exclude {
        let pattern = Regex::new(&args::lossy(pattern));
        excluded.push(pattern.map_err(|error| Failure::Usage(format!("'--exclude': {error}")))?);
    }
    let mut targets: Vec<Target> = evaluated.shell.iter().map(target).collect();
    for (input, wanted) in &drv.input_drvs {
        let path = session.print(input);
        if !excluded.iter().any(|pattern| pattern.is_match(path.as_bytes())) {
            targets.push(Target::Outputs {
                drv: input.clone(),
                outputs: Outputs::Names(wanted.outputs.clone()),
            });
        }
    }
    targets.extend(drv.input_srcs.iter().cloned().map(Target::Path));
    Ok(targets)
}

/// The program to run: what the user says, that of nixpkgs, or whatever is called so.
fn shell(invocation: &Invocation, session: &StoreSession, evaluated: &Evaluated) -> Result<Vec<u8>> {
    if let Some(shell) = &invocation.environment.build_shell {
        return Ok(shell.clone());
    }
    match &evaluated.shell {
        None => Ok(b"bash".to_vec()),
        Some(wanted) => {
            let out = output_path(session, &wanted.drv, &wanted.output)?;
            Ok(format!("{}/bin/bash", session.print(&out)).into_bytes())
        }
    }
}

fn output_path(session: &StoreSession, drv: &StorePath, output: &str) -> Result<StorePath> {
    let derivation = session.store.read_derivation(drv)?;
    let path = session.store.query_output_path(&derivation, output)?;
    path.ok_or_else(|| {
        Failure::Plain(format!(
            "the output '{output}' of '{}' has no path",
            session.print(drv)
        ))
    })
}
