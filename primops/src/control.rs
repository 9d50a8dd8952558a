//! Primops that steer evaluation: failing, catching, forcing.

mod closure;

use nivis_eval::context::ContextBuilder;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::ops::coerce::Coercion;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;

fn message(ev: &Evaluator, slot: Slot, pos: Pos, context: &'static str, how: Coercion) -> Result<String> {
    let text = ev.coerce_to_string(slot, pos, &mut ContextBuilder::default(), context, how)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn abort(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the error message passed to builtins.abort";
    let text = message(ev, args[0], pos, context, Coercion::INTERPOLATION)?;
    let sentence = format!("evaluation aborted with the following error message: '{text}'");
    Err(Error::new(Kind::Abort, sentence))
}

fn throw(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    // The missing letter is the reference's.
    let context = "while evaluating the error message passed to builtin.throw";
    let text = message(ev, args[0], pos, context, Coercion::INTERPOLATION)?;
    Err(Error::new(Kind::Thrown, text))
}

fn add_error_context(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    ev.force(args[1], pos).map_err(|error| {
        let context = "while evaluating the error message passed to builtins.addErrorContext";
        match message(ev, args[0], pos, context, Coercion::PLAIN) {
            Ok(text) => error.context(Pos::NONE, text),
            Err(other) => other,
        }
    })
}

fn try_eval(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let (success, value) = match ev.force(args[0], pos) {
        Ok(_) => (true, args[0]),
        Err(error) if error.kind().is_catchable() => (false, Value::FALSE.slot()),
        Err(error) => return Err(error),
    };
    let success = (ev.intern(b"success"), Value::bool(success).slot());
    Ok(ev.attrs(&[(ev.names.value, value), success]))
}

fn seq(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    ev.force(args[0], pos)?;
    ev.force(args[1], pos)
}

fn deep_seq(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    ev.force_deep(args[0])?;
    ev.force(args[1], pos)
}

/// There is no debugger to stop in, so this is the identity.
fn r#break(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    ev.force(args[0], pos)
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "abort",
        function: abort,
        args: &["s"],
        doc: "Ends evaluation with the error message *s*; `tryEval` does not catch it.",
        global: true,
        ..Primop::DEFAULT
    },
    Primop {
        name: "throw",
        function: throw,
        args: &["s"],
        doc: "Fails with the error message *s*. `tryEval` catches it, and commands that go through many packages \
              skip one that throws.",
        global: true,
        ..Primop::DEFAULT
    },
    Primop {
        name: "addErrorContext",
        arity: 2,
        function: add_error_context,
        args: &["message", "e"],
        doc: "Evaluates *e*; if that fails, adds *message* to the trace of the error.",
        trace: false,
        ..Primop::DEFAULT
    },
    Primop {
        name: "tryEval",
        function: try_eval,
        args: &["e"],
        doc: "Evaluates *e* as far as its outermost constructor. Returns `{ success = true; value = e; }`, or \
              `{ success = false; value = false; }` if *e* ended in a `throw` or a failed `assert`. Other errors are \
              not caught.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "seq",
        arity: 2,
        function: seq,
        args: &["e1", "e2"],
        doc: "Evaluates *e1*, then evaluates and returns *e2*.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "deepSeq",
        arity: 2,
        function: deep_seq,
        args: &["e1", "e2"],
        doc: "Evaluates *e1* with everything in its lists and sets, then evaluates and returns *e2*.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "genericClosure",
        function: closure::generic_closure,
        args: &["attrset"],
        doc: "Takes `{ startSet, operator }`. Starting with the sets in the list `startSet`, calls `operator` on each, \
              which returns a list of further sets, until there are none left. Returns all of them in the order in \
              which they were met; of several sets whose attributes `key` are equal, only the first.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "break",
        function: r#break,
        args: &["v"],
        doc: "Returns *v*. With a debugger, evaluation would stop here.",
        global: true,
        // It does not evaluate its argument, so errors in that don't pass it.
        trace: false,
        ..Primop::DEFAULT
    },
];
