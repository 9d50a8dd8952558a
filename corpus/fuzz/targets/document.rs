//! `builtins.fromJSON` and `builtins.fromTOML` on any text; what was read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nivis_eval::context::ContextBuilder;
use nivis_eval::error::Result;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::to_json::JsonStyle;
use nivis_eval::value::Value;
use nivis_fuzz::with_evaluator;
use nivis_lang::position::Pos;

fn read(ev: &Evaluator, primop: &str, text: &[u8]) -> Result<Value> {
    let builtins = ev.builtins().as_attrs().expect("a set");
    let primop = builtins.get(ev.intern(primop.as_bytes())).expect("a builtin");
    ev.call_slot(primop, &[ev.string(text).slot()], Pos::NONE)
}

fn write(ev: &Evaluator, value: Value) -> Result<Vec<u8>> {
    let mut context = ContextBuilder::default();
    ev.to_json(value.slot(), Pos::NONE, &mut context, JsonStyle::BUILTIN)
}

fuzz_target!(|text: &[u8]| {
    if text.contains(&0) {
        return;
    }
    with_evaluator(|ev| {
        for primop in ["fromJSON", "fromTOML"] {
            let written = read(ev, primop, text).and_then(|value| write(ev, value));
            if let Ok(written) = written {
                let again = read(ev, "fromJSON", &written).and_then(|value| write(ev, value));
                assert_eq!(again.expect("it was just written"), written);
            }
        }
    });
});
