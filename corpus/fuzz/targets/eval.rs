//! Any text has a value that can be printed, or an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nivis_eval::context::ContextBuilder;
use nivis_eval::error::Error;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::print::PrintError;
use nivis_eval::to_json::JsonStyle;
use nivis_eval::to_xml::XmlOptions;
use nivis_fuzz::with_evaluator;
use nivis_lang::position::{Origin, Pos};

fn evaluate(ev: &Evaluator, source: &[u8]) -> Result<(), Error> {
    let origin = Origin::String(source.into());
    let value = ev.eval_text(source, origin, b"/dir")?;
    ev.show_for_error(value);
    let mut out = vec![];
    match ev.print_ambiguous(value, &mut out) {
        Ok(()) => {}
        Err(PrintError::Value(error)) => return Err(error),
        Err(PrintError::Sink(error)) => panic!("writing to memory: {error}"),
    }
    let options = XmlOptions {
        strict: false,
        location: true,
    };
    let mut context = ContextBuilder::default();
    ev.to_xml(value.slot(), options, Pos::NONE, &mut context, &mut out)?;
    let value = ev.force_deep(value.slot())?;
    ev.show_for_trace(value);
    ev.to_json(value.slot(), Pos::NONE, &mut context, JsonStyle::BUILTIN)?;
    Ok(())
}

nivis_fuzz::programs!();

fuzz_target!(|source: &[u8]| {
    with_evaluator(|ev| {
        if let Err(error) = evaluate(ev, source) {
            let details = error.details();
            ev.show_position(details.pos);
            for frame in &details.frames {
                ev.show_position(frame.pos);
            }
        }
    });
});
