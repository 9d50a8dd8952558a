//! Primops: JSON.

use crate::document::ValueBuilder;
use crate::json_reader::{JsonError, read_json};
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::primop::Primop;
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

pub(super) static TABLE: &[Primop] = &[Primop {
    name: "fromJSON",
    arity: 1,
    function: from_json,
    args: &["e"],
    doc: "Converts a JSON document to a value.",
    ..Primop::DEFAULT
}];
