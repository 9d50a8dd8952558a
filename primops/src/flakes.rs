//! Primops on flakes. They are always there, and fail without the experimental feature.

use crate::features::require_feature;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Unpacked, Value};
use nivis_lang::position::Pos;

fn unsupported(primop: &str) -> Error {
    Error::new(Kind::Usage, format!("{primop}: flakes are not supported yet"))
}

fn get_flake(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    require_feature(ev, "flakes", "")?;
    let context = "while evaluating the argument passed to builtins.getFlake";
    ev.expect_string_without_context(args[0], pos, context)?;
    Err(unsupported("getFlake"))
}

fn parse_flake_ref(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    require_feature(ev, "flakes", "")?;
    let context = "while evaluating the argument passed to builtins.parseFlakeRef";
    ev.expect_string_without_context(args[0], pos, context)?;
    Err(unsupported("parseFlakeRef"))
}

fn flake_ref_to_string(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    require_feature(ev, "flakes", "")?;
    let context = "while evaluating the argument passed to builtins.flakeRefToString";
    let attrs = ev.expect_attrs(args[0], Pos::NONE, context)?;
    for entry in attrs.flat(ev.heap).entries() {
        let value = ev.force(entry.slot, entry.pos)?;
        match value.unpack() {
            Unpacked::Int(i) if i < 0 => {
                let name = ev.name(entry.name);
                let message = format!("negative value given for flake ref attr {name}: {i}");
                return Err(Error::new(Kind::Eval, message).at(pos));
            }
            Unpacked::Int(_) | Unpacked::Bool(_) | Unpacked::String(_) => {}
            _ => {
                let message = format!(
                    "flake reference attribute sets may only contain integers, Booleans, and strings, but attribute '{}' is {}",
                    ev.name(entry.name),
                    ev.describe(value)
                );
                return Err(Error::new(Kind::Eval, message));
            }
        }
    }
    Err(unsupported("flakeRefToString"))
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "getFlake",
        arity: 1,
        function: get_flake,
        args: &["args"],
        doc: "Fetches a flake and returns its outputs.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "parseFlakeRef",
        arity: 1,
        function: parse_flake_ref,
        args: &["flake-ref"],
        doc: "Takes a flake reference apart into a set.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "flakeRefToString",
        arity: 1,
        function: flake_ref_to_string,
        args: &["attrs"],
        doc: "Writes a flake reference that is given as a set.",
        ..Primop::DEFAULT
    },
];
