//! Primops that make derivations.

mod attributes;
mod inputs;
mod json;
mod output_of;
mod outputs;
mod strict;

use nivis_eval::error::Result;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;

pub(super) use outputs::{hash_allow_empty, output_string};

fn placeholder(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let output = ev.expect_string_without_context(
        args[0],
        pos,
        "while evaluating the first argument passed to builtins.placeholder",
    )?;
    let text = nivis_store::derivation::placeholder::placeholder(output);
    Ok(ev.string(text.as_bytes()))
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "derivationStrict",
        arity: 1,
        function: strict::derivation_strict,
        args: &["attrs"],
        doc: "Makes a derivation of the set *attrs*, all of whose attributes are evaluated. Returns a set of the path of the derivation, `drvPath`, and the path of each output. Use `derivation` instead.",
        global: true,
        ..Primop::DEFAULT
    },
    Primop {
        name: "placeholder",
        arity: 1,
        function: placeholder,
        args: &["output"],
        doc: "Returns a string that stands for the path of the output named *output* of the derivation it is used in. The builder sees the path.",
        global: true,
        ..Primop::DEFAULT
    },
    Primop {
        name: "outputOf",
        arity: 2,
        function: output_of::output_of,
        args: &["derivation-reference", "output-name"],
        doc: "Returns the path of the output *output-name* of the derivation whose path *derivation-reference* is.",
        feature: Some("dynamic-derivations"),
        ..Primop::DEFAULT
    },
];
