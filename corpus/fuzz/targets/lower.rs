//! Any text can be lowered, or is not an expression.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nivis_fuzz::with_evaluator;
use nivis_lang::position::Origin;

nivis_fuzz::programs!();

fuzz_target!(|source: &[u8]| {
    with_evaluator(|ev| {
        let origin = Origin::String(source.into());
        if let Err(error) = ev.show_parsed(source, origin, b"/dir") {
            ev.show_position(error.details().pos);
        }
    });
});
