//! `nix-instantiate`: evaluates expressions, and writes the derivations they give to the store.

mod flags;
mod print;

use crate::attr_path;
use crate::failure::{Failure, Result};
use crate::inputs::Input;
use crate::keep_going::{self, Failures};
use crate::output::{self, Out};
use crate::program::Invocation;
use crate::session::{self, Session};
use crate::{args, help};
use flags::{Flags, Stop};
use nivis_eval::value::Slot;
use nivis_lang::position::Pos;
use std::io::Write;

const EXPLANATION: &str = "\
Evaluates the expressions in the files (by default ./default.nix; - is standard input) and writes
the derivations they give to the store; prints the paths of the derivations.";

/// Runs the command.
pub(crate) fn run(invocation: &Invocation) -> Result<()> {
    let mut flags = Flags::new(&invocation.environment)?;
    let parsed = args::parse(&mut flags, invocation.args.clone());
    match flags.stop {
        Some(Stop::Version) => return help::version(&invocation.name, invocation, Some(&flags.common)),
        Some(Stop::Help) => {
            let usage = format!("{} [OPTION]… [FILE]…", invocation.called_as);
            return help::command::<Flags>(&usage, EXPLANATION);
        }
        None => parsed?,
    }
    let read_only = flags.common.read_only || (flags.eval_only && !flags.read_write);
    session::run(invocation, &flags.common, read_only, |session| {
        let mut out = output::stdout();
        let outcome = Run::new(session, &flags).and_then(|mut run| run.all(&mut out));
        // What was printed before an error stays printed before it.
        let flushed = out.flush();
        outcome.and(flushed.map_err(Failure::from))
    })
}

/// One run of the command.
struct Run<'r> {
    session: &'r Session,
    flags: &'r Flags,
    auto_args: &'static nivis_eval::attrs::Attrs,
    gc_warning: bool,
    /// How many roots were made.
    roots: usize,
    /// What failed so far, with `--keep-going`.
    failures: Failures<'r>,
}

impl<'r> Run<'r> {
    fn new(session: &'r Session, flags: &'r Flags) -> Result<Run<'r>> {
        Ok(Run {
            session,
            flags,
            auto_args: session.auto_args(&flags.common)?,
            gc_warning: flags.common.gc_warning,
            roots: 0,
            failures: Failures::new(session, &flags.common),
        })
    }

    fn all(&mut self, out: &mut Out) -> Result<()> {
        if self.flags.find_file {
            return self.find_files(out);
        }
        for input in self.flags.inputs() {
            match self.flags.parse_only {
                true => self.show_parsed(&input, out)?,
                false => {
                    let outcome = self.evaluate(&input, out);
                    self.failures.note(outcome, b"")?;
                }
            }
        }
        out.flush()?;
        keep_going::tell(&self.failures.messages())
    }

    fn evaluate(&mut self, input: &Input, out: &mut Out) -> Result<()> {
        let ev = &self.session.ev;
        let (text, origin, dir) = self.session.read_input(input)?;
        let root = ev.eval_text(&text, origin, &dir)?.slot();
        let mut paths = self.flags.attr_paths().into_iter().peekable();
        while let Some(path) = paths.next() {
            let needed = paths.peek().map(|_| root);
            let outcome = self.attribute(root, path, needed, out);
            self.failures.note(outcome, path)?;
        }
        Ok(())
    }

    /// Prints one part of a value. `needed` is what will be looked at afterwards.
    fn attribute(&mut self, root: Slot, path: &[u8], needed: Option<Slot>, out: &mut Out) -> Result<()> {
        let ev = &self.session.ev;
        let slot = attr_path::find(ev, path, self.auto_args, root)?;
        ev.force(slot, Pos::NONE)?;
        match self.flags.eval_only {
            true => self.print_value(slot, out),
            false => self.print_derivations(slot, path, needed, out),
        }
    }

    fn show_parsed(&self, input: &Input, out: &mut Out) -> Result<()> {
        let (text, origin, dir) = self.session.read_input(input)?;
        out.write_all(&self.session.ev.show_parsed(&text, origin, &dir)?)?;
        Ok(out.write_all(b"\n")?)
    }

    fn find_files(&self, out: &mut Out) -> Result<()> {
        for name in self.flags.arguments() {
            let path = self.session.find_file(name)?;
            out.write_all(&path)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}
