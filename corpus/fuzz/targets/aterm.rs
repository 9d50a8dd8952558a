//! Any text is a derivation that is the same when written and read again, or has an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nivis_store::derivation::aterm;
use nivis_store::path::StoreDir;

fuzz_target!(|text: &[u8]| {
    let store = StoreDir::default();
    if let Ok(derivation) = aterm::parse(&store, text, "name") {
        // As in the reference, the platform is written without escapes.
        if derivation.platform.iter().any(|byte| b"\\\"".contains(byte)) {
            return;
        }
        let written = derivation.to_aterm(&store).expect("it was just read");
        let again = aterm::parse(&store, &written, "name");
        assert_eq!(again.expect("it was just written"), derivation);
    }
});
