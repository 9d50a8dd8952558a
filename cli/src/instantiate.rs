//! `nix-instantiate`: evaluates expressions, and writes the derivations they give to the store.

mod flags;
mod print;

use crate::attr_path;
use crate::failure::{Failure, Result};
use crate::output::{self, Out};
use crate::program::Invocation;
use crate::session::{self, Session, current_dir, read_stdin};
use crate::settings::file::is_url;
use crate::{args, help};
use flags::{Flags, Input, Stop};
use nivis_eval::value::Slot;
use nivis_lang::position::{Origin, Pos};
use std::io::Write;
use std::sync::Arc;

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
}

impl<'r> Run<'r> {
    fn new(session: &'r Session, flags: &'r Flags) -> Result<Run<'r>> {
        Ok(Run {
            session,
            flags,
            auto_args: session.auto_args(&flags.common)?,
            gc_warning: flags.common.gc_warning,
            roots: 0,
        })
    }

    fn all(&mut self, out: &mut Out) -> Result<()> {
        if self.flags.find_file {
            return self.find_files(out);
        }
        for input in self.flags.inputs() {
            match self.flags.parse_only {
                true => self.show_parsed(&input, out)?,
                false => self.evaluate(&input, out)?,
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, input: &Input, out: &mut Out) -> Result<()> {
        let ev = &self.session.ev;
        let (text, origin, dir) = self.read(input)?;
        let root = ev.eval_text(&text, origin, &dir)?.slot();
        for path in self.flags.attr_paths() {
            let slot = attr_path::find(ev, path, self.auto_args, root)?;
            ev.force(slot, Pos::NONE)?;
            match self.flags.eval_only {
                true => self.print_value(slot, out)?,
                false => self.print_derivations(slot, out)?,
            }
        }
        Ok(())
    }

    fn show_parsed(&self, input: &Input, out: &mut Out) -> Result<()> {
        let (text, origin, dir) = self.read(input)?;
        out.write_all(&self.session.ev.show_parsed(&text, origin, &dir)?)?;
        Ok(out.write_all(b"\n")?)
    }

    /// The text of an input, where it came from, and where its relative paths start.
    fn read(&self, input: &Input) -> Result<(Vec<u8>, Origin, Vec<u8>)> {
        match input {
            Input::Stdin => {
                let text = read_stdin()?;
                let origin = Origin::Stdin(Arc::from(text.as_slice()));
                Ok((text, origin, current_dir()?))
            }
            Input::Expression(text) => {
                let origin = Origin::String(Arc::from(text.as_slice()));
                Ok((text.clone(), origin, current_dir()?))
            }
            Input::File(path) => {
                let ev = &self.session.ev;
                let path = ev.resolve_import(&self.locate(path)?)?;
                let dir = nivis_eval::path::parent(&path).to_vec();
                Ok((ev.read_file(&path)?, Origin::File(Arc::from(path)), dir))
            }
        }
    }

    /// The path that a file argument names: a path, `<name>`, or something to fetch.
    fn locate(&self, argument: &[u8]) -> Result<Vec<u8>> {
        if let Some(name) = argument
            .strip_prefix(b"<")
            .and_then(|rest| rest.strip_suffix(b">"))
            && !name.is_empty()
        {
            return self.find_file(name);
        }
        let text = String::from_utf8_lossy(argument);
        if is_url(&text) {
            let url = match text.strip_prefix("channel:") {
                Some(name) => format!("https://channels.nixos.org/{name}/nixexprs.tar.xz"),
                None => text.into_owned(),
            };
            return self.apply(b"builtins.fetchTarball", &[url.as_bytes()]);
        }
        Ok(nivis_lang::path::absolute(&current_dir()?, argument))
    }

    /// Looks a name up in the search path.
    fn find_file(&self, name: &[u8]) -> Result<Vec<u8>> {
        self.apply(b"builtins.findFile builtins.nixPath", &[name])
    }

    /// Applies a builtin that gives a path.
    fn apply(&self, function: &[u8], arguments: &[&[u8]]) -> Result<Vec<u8>> {
        let ev = &self.session.ev;
        let origin = Origin::String(Arc::from(function));
        let function = ev.eval_text(function, origin, b"/")?;
        let arguments: Vec<Slot> = arguments.iter().map(|text| ev.string(text).slot()).collect();
        let result = ev.call(function, &arguments, Pos::NONE).map_err(|mut error| {
            // Nothing of this is text that the user wrote.
            error.details_mut().frames.clear();
            error
        })?;
        let mut context = nivis_eval::context::ContextId::EMPTY;
        let path = ev.coerce_to_path(result.slot(), Pos::NONE, &mut context, "while looking up a file")?;
        Ok(path.into_owned())
    }

    fn find_files(&self, out: &mut Out) -> Result<()> {
        for name in self.flags.arguments() {
            let path = self.find_file(name)?;
            out.write_all(&path)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}
