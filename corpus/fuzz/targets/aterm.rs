//! Any text is a derivation that is the same when written and read again, or has an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nivis_store::derivation::{Derivation, InputOutputs, aterm};
use nivis_store::path::StoreDir;

/// Whether what is written without escapes, as the reference does, needs none.
fn is_plain(derivation: &Derivation) -> bool {
    is_plain_text(&derivation.platform)
        && derivation
            .outputs
            .keys()
            .all(|name| is_plain_text(name.as_bytes()))
        && derivation.input_drvs.values().all(is_plain_input)
}

fn is_plain_input(input: &InputOutputs) -> bool {
    let mut names = input.outputs.iter().chain(input.dynamic.keys());
    names.all(|name| is_plain_text(name.as_bytes())) && input.dynamic.values().all(is_plain_input)
}

fn is_plain_text(text: &[u8]) -> bool {
    !text.iter().any(|byte| b"\\\"\n\r\t".contains(byte))
}

fuzz_target!(|text: &[u8]| {
    let store = StoreDir::default();
    if let Ok(derivation) = aterm::parse(&store, text, "name")
        && is_plain(&derivation)
    {
        let written = derivation.to_aterm(&store).expect("it was just read");
        let again = aterm::parse(&store, &written, "name");
        assert_eq!(again.expect("it was just written"), derivation);
    }
});
