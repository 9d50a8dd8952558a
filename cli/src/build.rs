//! `nix-build`: evaluates expressions, and builds the derivations they give.

pub(crate) mod flags;
mod links;

use crate::attr_path;
use crate::derivations::{self, Package, Search};
use crate::failure::{Failure, Result};
use crate::hand_over::{self, Evaluated, Parent, Wanted};
use crate::inputs::Input;
use crate::keep_going::{self, Failures};
use crate::output;
use crate::program::Invocation;
use crate::realise::Realiser;
use crate::session::{self, Session};
use crate::store_session::StoreSession;
use crate::{args, help, shell};
use flags::{Flags, Stop};
use nivis_builder::realise::{Missing, OutputPaths, Outputs, Target};
use nivis_eval::attrs::Attrs;
use nivis_eval::value::Slot;
use nivis_lang::position::Pos;
use nivis_store::path::StorePath;
use serde_json::json;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const EXPLANATION: &str = "\
Evaluates the expressions in the files (by default ./default.nix; - is standard input) and builds the
derivations they give, or those that are named by their paths. Makes links to the results, ./result and
so on, and prints their paths.

The exit status is 100 if a build failed, 101 if one took too long, 102 if an output has a wrong hash,
104 if --check found a difference, the sum of the bits if several of these happened, and 1 otherwise.";

/// Runs the command.
pub(crate) fn run(invocation: &Invocation) -> Result<()> {
    let (arguments, evaluates) = hand_over::arguments(invocation);
    let mut flags = Flags::new(&invocation.environment, false)?;
    let parsed = args::parse(&mut flags, arguments);
    match flags.stop {
        Some(Stop::Version) => return help::version(&invocation.name, invocation, Some(&flags.common)),
        Some(Stop::Help) => {
            let usage = format!("{} [OPTION]… [FILE]…", invocation.called_as);
            return help::command::<Flags>(&usage, EXPLANATION);
        }
        None => parsed?,
    }
    match evaluates {
        _ if flags.shell => shell::run_env(invocation, &flags, evaluates),
        true => evaluate(invocation, &flags),
        false => build(invocation, &flags),
    }
}

/// Evaluates, and hands over what is found.
fn evaluate(invocation: &Invocation, flags: &Flags) -> Result<()> {
    let parent = Parent::connect()?;
    session::run(invocation, &flags.common, flags.common.read_only, |session| {
        let mut search = Inputs {
            session,
            flags,
            auto_args: session.auto_args(&flags.common)?,
            wanted: vec![],
            failures: Failures::new(session, &flags.common),
        };
        search.all()?;
        let found = Evaluated {
            failures: search.failures.messages(),
            wanted: search.wanted,
            shell: None,
        };
        session.store.flush()?;
        parent.hand_over(session.ev.host.store_dir(), &found)
    })
}

/// What the command line names, on the way to what it wants.
struct Inputs<'i> {
    session: &'i Session,
    flags: &'i Flags,
    auto_args: &'static Attrs,
    /// What was found so far.
    wanted: Vec<Wanted>,
    failures: Failures<'i>,
}

impl Inputs<'_> {
    /// Derivations come before expressions.
    fn all(&mut self) -> Result<()> {
        let mut expressions = vec![];
        for input in self.flags.inputs(".") {
            let outcome = drv_argument(self.session, &input).and_then(|found| {
                match found {
                    Some(wanted) => self.wanted.push(wanted),
                    None => expressions.push(self.session.read_input(&input)?),
                }
                Ok(())
            });
            self.failures.note(outcome, b"")?;
        }
        for (text, origin, dir) in expressions {
            match self.session.ev.eval_text(&text, origin, &dir) {
                Ok(root) => self.attributes(root.slot())?,
                Err(error) => self.failures.note(Err(error.into()), b"")?,
            }
        }
        Ok(())
    }

    fn attributes(&mut self, root: Slot) -> Result<()> {
        for path in self.flags.attr_paths() {
            let outcome = self.attribute(root, path);
            self.failures.note(outcome, path)?;
        }
        Ok(())
    }

    fn attribute(&mut self, root: Slot, path: &[u8]) -> Result<()> {
        let ev = &self.session.ev;
        let slot = attr_path::find(ev, path, self.auto_args, root)?;
        ev.force(slot, Pos::NONE)?;
        let mut search = Search::new(ev, self.auto_args);
        search.keep_going = self.failures.keeps_going;
        search.all(slot, path)?;
        for package in search.found {
            match wanted_of(self.session, &package) {
                Ok(wanted) => self.wanted.push(wanted),
                Err(failure) => self.failures.note(Err(failure), &package.attr_path)?,
            }
        }
        for broken in search.broken {
            self.failures.note(Err(broken.error.into()), &broken.attr_path)?;
        }
        Ok(())
    }
}

/// The derivations in a value.
pub(crate) fn derivations_of(
    session: &Session,
    slot: Slot,
    auto_args: &'static Attrs,
) -> Result<Vec<Wanted>> {
    let ev = &session.ev;
    ev.force(slot, Pos::NONE)?;
    let found = derivations::find(ev, slot, auto_args)?;
    found.iter().map(|package| wanted_of(session, package)).collect()
}

/// The output that a derivation stands for.
fn wanted_of(session: &Session, package: &Package) -> Result<Wanted> {
    let ev = &session.ev;
    let drv = package.drv_path(ev)?;
    let output = package.output_name(ev)?;
    if output.is_empty() {
        let drv = ev.host.store_dir().print(&drv);
        let message = format!("derivation '{drv}' lacks an 'outputName' attribute");
        return Err(Failure::Plain(message));
    }
    Ok(Wanted { drv, output })
}

/// What an argument wants that names a derivation of the store, maybe with `!output`.
pub(crate) fn drv_argument(session: &Session, input: &Input) -> Result<Option<Wanted>> {
    let Input::File(argument) = input else {
        return Ok(None);
    };
    let store_dir = session.ev.host.store_dir();
    let (path, outputs) = match argument.iter().position(|&byte| byte == b'!') {
        Some(mark) => (&argument[..mark], Some(&argument[mark + 1..])),
        None => (argument.as_slice(), None),
    };
    let path = Path::new(OsStr::from_bytes(path));
    // Where a link leads; what is not there stays as it is.
    let path = path.canonicalize().or_else(|_| std::path::absolute(path));
    let Some(drv) = path
        .ok()
        .and_then(|path| store_dir.parse(path.as_os_str().as_bytes()).ok())
    else {
        return Ok(None);
    };
    if !drv.is_derivation() {
        return Ok(None);
    }
    let printed = store_dir.print(&drv);
    let derivation = session.ev.read_derivation(&drv)?;
    let names = outputs.map(String::from_utf8_lossy).unwrap_or_default();
    let names: Vec<&str> = names.split(',').filter(|name| !name.is_empty()).collect();
    let output = match names[..] {
        [] => {
            let named = derivation.env.get(b"outputName");
            named.map_or_else(
                || "out".to_owned(),
                |name| String::from_utf8_lossy(name).into_owned(),
            )
        }
        [name] => name.to_owned(),
        _ => {
            let shown = args::lossy(argument);
            let message = format!("building more than one derivation output is not supported, in '{shown}'");
            return Err(Failure::Plain(message));
        }
    };
    if !derivation.outputs.contains_key(&output) {
        let message = format!("derivation '{printed}' does not have output '{output}'");
        return Err(Failure::Plain(message));
    }
    Ok(Some(Wanted { drv, output }))
}

/// Builds what another process found, links the results and prints their paths.
fn build(invocation: &Invocation, flags: &Flags) -> Result<()> {
    let session = StoreSession::after_warnings(invocation, &flags.common)?;
    let evaluated = hand_over::evaluate(invocation, &[], &session.store)?;
    let outcome = build_all(&session, flags, &evaluated.wanted);
    let told = keep_going::tell(&evaluated.failures);
    outcome.and(told)
}

fn build_all(session: &StoreSession, flags: &Flags, wanted: &[Wanted]) -> Result<()> {
    let realiser = Realiser {
        debug_shell: flags.debug_shell,
        ..Realiser::of(session)
    };
    let targets: Vec<Target> = wanted.iter().map(target).collect();
    let Some(outputs) = realise(&realiser, &targets, flags)? else {
        return Ok(());
    };
    let paths = links::make(session, flags.out_link.as_deref(), wanted, &outputs)?;
    let mut out = output::stdout();
    for path in paths {
        writeln!(out, "{}", session.print(&path))?;
    }
    Ok(out.flush()?)
}

/// An output as a target.
pub(crate) fn target(wanted: &Wanted) -> Target {
    Target::Outputs {
        drv: wanted.drv.clone(),
        outputs: Outputs::names([&*wanted.output]),
    }
}

/// Says what will be done, and does it unless only that is wanted. Gives the paths of outputs if it was done.
pub(crate) fn realise(realiser: &Realiser, targets: &[Target], flags: &Flags) -> Result<Option<OutputPaths>> {
    let logger = realiser.logger;
    let missing = realiser.missing(targets).map_err(|error| error.show(logger))?;
    if flags.dry_run && flags.json {
        print_plan(realiser, &missing)?;
        return Ok(None);
    }
    if realiser.common.settings.bool("print-missing") {
        realiser
            .show_missing(&missing)
            .map_err(|error| error.show(logger))?;
    }
    if flags.dry_run {
        return Ok(None);
    }
    let outputs = realiser.realise(targets, flags.mode, Some(&missing));
    outputs.map(Some).map_err(|error| error.show(logger))
}

/// What would be done, as JSON.
fn print_plan(realiser: &Realiser, missing: &Missing) -> Result<()> {
    let print = |path: &StorePath| realiser.store.store_dir().print(path);
    let sorted = realiser.store.topo_sort_paths(&missing.will_build)?;
    let plan = json!({
        "version": 1,
        "willBuild": sorted.iter().rev().map(print).collect::<Vec<_>>(),
        "unknown": missing.unknown.iter().map(print).collect::<Vec<_>>(),
    });
    let mut out = output::stdout();
    writeln!(out, "{plan}")?;
    Ok(out.flush()?)
}
