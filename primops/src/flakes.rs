//! Primops on flakes. They are always there, and fail without the experimental feature.

mod reference;
mod scheme;
mod url;

use crate::features::require_feature;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Unpacked, Value};
use nivis_lang::position::Pos;
use reference::{Attribute, Attributes, Refused};

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
    let text = ev.expect_string_without_context(args[0], pos, context)?;
    let attributes = reference::parse(&String::from_utf8_lossy(text)).map_err(refused)?;
    let attrs: Vec<_> = attributes
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                Attribute::Text(text) => ev.string(text.as_bytes()),
                Attribute::Number(number) => ev.int(number as i64),
                Attribute::Bool(b) => Value::bool(b),
            };
            (ev.intern(name.as_bytes()), value.slot())
        })
        .collect();
    Ok(ev.attrs(&attrs))
}

fn flake_ref_to_string(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    require_feature(ev, "flakes", "")?;
    let context = "while evaluating the argument passed to builtins.flakeRefToString";
    let attrs = ev.expect_attrs(args[0], Pos::NONE, context)?;
    let mut attributes = Attributes::new();
    for entry in attrs.flat(ev.heap).entries() {
        let name = ev.name(entry.name);
        let value = ev.force(entry.slot, entry.pos)?;
        let attribute = match value.unpack() {
            Unpacked::Int(i) => Attribute::Number(u64::try_from(i).map_err(|_| {
                let message = format!("negative value given for flake ref attr {name}: {i}");
                Error::new(Kind::Eval, message).at(pos)
            })?),
            Unpacked::Bool(b) => Attribute::Bool(b),
            Unpacked::String(text) => Attribute::Text(String::from_utf8_lossy(text.bytes()).into_owned()),
            _ => {
                let message = format!(
                    "flake reference attribute sets may only contain integers, Booleans, and strings, but attribute '{name}' is {}",
                    ev.describe(value)
                );
                return Err(Error::new(Kind::Eval, message));
            }
        };
        attributes.insert(name, attribute);
    }
    let text = reference::show(attributes).map_err(refused)?;
    Ok(ev.string(text.as_bytes()))
}

fn refused(reason: Refused) -> Error {
    Error::new(Kind::Eval, reason.message())
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
