//! Primops: TOML.

use crate::document::ValueBuilder;
use crate::toml_reader::{TomlError, read_toml};
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;

fn from_toml(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let frame = "while evaluating the argument passed to builtins.fromTOML";
    let text = ev.expect_string_without_context(args[0], pos, frame)?;
    let timestamps = ev.settings.has_feature("parse-toml-timestamps");
    let mut builder = ValueBuilder::new(ev);
    let message = match read_toml(text, timestamps, &mut builder) {
        Ok(()) => return Ok(builder.finish()),
        Err(TomlError::Syntax(message)) => message,
        Err(TomlError::Visitor(error)) => format!("error: {error}"),
    };
    Err(Error::new(Kind::Eval, format!("while parsing TOML: {message}")).at(pos))
}

pub(super) static TABLE: &[Primop] = &[Primop {
    name: "fromTOML",
    arity: 1,
    function: from_toml,
    args: &["e"],
    doc: "Converts a TOML document to a value.",
    global: true,
    ..Primop::DEFAULT
}];
