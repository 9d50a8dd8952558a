//! Primops that tell the user something on the way.

use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::Level;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;

fn trace(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let value = ev.force(args[0], pos)?;
    let text = format!("trace: {}", ev.show_for_trace(value));
    ev.host.message(Level::Error, &text);
    ev.force(args[1], pos)
}

fn trace_verbose(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    if ev.settings.trace_verbose {
        trace(ev, args, pos)
    } else {
        ev.force(args[1], pos)
    }
}

fn warn(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument; the message passed to builtins.warn";
    let message = ev.expect_string(args[0], pos, context)?;
    let message = format!("evaluation warning: {}", String::from_utf8_lossy(message));
    ev.host.message(Level::Warning, &message);
    if ev.settings.abort_on_warn {
        let sentence = "aborting to reveal stack trace of warning, as abort-on-warn is set";
        return Err(Error::new(Kind::Abort, sentence));
    }
    ev.force(args[1], pos)
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "trace",
        arity: 2,
        function: trace,
        args: &["e1", "e2"],
        doc: "Evaluates *e1* and prints it on standard error: a string as it is, other values without evaluating what \
              is in them. Then returns *e2*.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "traceVerbose",
        arity: 2,
        function: trace_verbose,
        args: &["e1", "e2"],
        doc: "With the option `trace-verbose` the same as `trace`, otherwise returns *e2*.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "warn",
        arity: 2,
        function: warn,
        args: &["e1", "e2"],
        doc: "Prints the string *e1* on standard error as a warning, then returns *e2*. With the option \
              `abort-on-warn` evaluation ends after the message.",
        ..Primop::DEFAULT
    },
];
