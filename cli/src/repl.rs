//! `nivis repl`: evaluates what is typed, line by line.

mod command;
mod complete;
mod doc;
mod flags;
mod input;
mod print;
mod scope;
mod session;
mod tools;

use crate::args;
use crate::failure::{Failure, Result};
use crate::help;
use crate::interrupt;
use crate::program::Invocation;
use command::After;
use flags::{Flags, Stop};
use input::Input;
use nivis_eval::host::Level;
use session::Repl;
use std::io::Write;

const EXPLANATION: &str = "\
Reads expressions, evaluates them, and prints their values. Definitions (x = 1) last; :? lists the
commands. The files are loaded first, so that the attributes of their values can be used by name.";

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
    let read_only = flags.common.read_only;
    crate::session::run(invocation, &flags.common, read_only, |session| {
        let repl = Repl::new(session, &flags, invocation)?;
        converse(&repl, invocation)
    })
}

/// Reads and answers until the end of input or `:q`.
fn converse(repl: &Repl<'_>, invocation: &Invocation) -> Result<()> {
    let session = repl.session;
    session.logger.message(
        Level::Notice,
        &format!("Nix {}\nType :? for help.", nivis_primops::NIX_VERSION),
    );
    if let Err(failure) = repl.load_all() {
        tell(repl, failure)?;
    }
    let mut input = Input::new(repl, &invocation.environment)?;
    let mut pending = String::new();
    while let Some(line) = input.line(!pending.is_empty())? {
        match line {
            // ^C while typing: start afresh.
            input::Line::Abandoned => {
                pending.clear();
                continue;
            }
            input::Line::Text(line) => pending.push_str(&line),
        }
        interrupt::clear();
        let answered = command::answer(repl, &pending);
        match answered {
            Ok(After::Quit) => break,
            Ok(After::More) => {
                pending.push('\n');
                continue;
            }
            Ok(After::Next) => {}
            Err(failure) => tell(repl, failure)?,
        }
        interrupt::clear();
        if !pending.trim().is_empty() {
            repl.print(b"\n")?;
        }
        input.remember(&pending);
        pending.clear();
    }
    repl.flush()
}

/// Tells of a failure; none but that of standard output ends the session.
fn tell(repl: &Repl<'_>, failure: Failure) -> Result<()> {
    repl.flush()?;
    let session = repl.session;
    let mut logger = session.logger;
    logger.style.show_trace = repl.show_trace.get();
    match failure {
        Failure::Eval(error) => logger.error(&session.ev, &error),
        Failure::Plain(message) | Failure::Usage(message) => logger.failure("other", &message),
        Failure::Exit(_) => return Ok(()),
        Failure::Output(error) => return Err(Failure::Output(error)),
    }
    std::io::stderr().flush()?;
    Ok(())
}
