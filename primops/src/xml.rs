//! `toXML`.

use nivis_eval::context::ContextBuilder;
use nivis_eval::error::Result;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::primop::Primop;
use nivis_eval::to_xml::XmlOptions;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;

fn to_xml(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let options = XmlOptions {
        strict: true,
        location: false,
    };
    let mut context = ContextBuilder::default();
    let mut text = vec![];
    ev.to_xml(args[0], options, pos, &mut context, &mut text)?;
    Ok(ev.heap.string_in(&text, ev.contexts.build(context)))
}

pub(super) static TABLE: &[Primop] = &[Primop {
    name: "toXML",
    function: to_xml,
    args: &["e"],
    doc: "Evaluates *e* completely and returns it as XML.",
    ..Primop::DEFAULT
}];
