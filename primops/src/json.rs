//! Primops: JSON.

use crate::document::ValueBuilder;
use crate::json_reader::{JsonError, read_json};
use nivis_eval::context::ContextBuilder;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::primop::Primop;
use nivis_eval::to_json::JsonStyle;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;

fn from_json(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let frame = "while evaluating the first argument passed to builtins.fromJSON";
    let text = ev.expect_string_without_context(args[0], pos, frame)?;
    let mut builder = ValueBuilder::new(ev);
    match read_json(text, &mut builder) {
        Ok(()) => Ok(builder.finish()),
        Err(JsonError::Syntax(message)) => {
            Err(Error::new(Kind::Eval, message).frame(pos, "while decoding a JSON string"))
        }
        Err(JsonError::Visitor(error)) => Err(error),
    }
}

fn to_json(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let mut context = ContextBuilder::default();
    let text = ev.to_json(args[0], pos, &mut context, JsonStyle::BUILTIN)?;
    Ok(ev.heap.string_in(&text, ev.contexts.build(context)))
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "fromJSON",
        arity: 1,
        function: from_json,
        args: &["e"],
        doc: "Converts a JSON document to a value.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "toJSON",
        arity: 1,
        function: to_json,
        args: &["e"],
        doc: "Converts a value to a JSON document. Paths are copied to the store; a set with `__toString` or `outPath` becomes that string.",
        ..Primop::DEFAULT
    },
];
