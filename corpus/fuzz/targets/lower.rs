//! Any text can be lowered, or is not an expression; who only parses it is told the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nivis_eval::error::Error;
use nivis_fuzz::with_evaluator;
use nivis_lang::position::Origin;

nivis_fuzz::programs!();

fuzz_target!(|source: &[u8]| {
    with_evaluator(|ev| {
        let origin = Origin::String(source.into());
        let failure = |error: Error| {
            let details = error.details();
            format!("{} at {}", details.message, ev.show_position(details.pos))
        };
        let parsed = ev.show_parsed(source, origin.clone(), b"/dir");
        let lowered = ev.delay_text(source, origin, b"/dir");
        assert_eq!(parsed.err().map(failure), lowered.err().map(failure));
    });
});
