//! Any bytes start with an archive, which is the only one of the same tree, or have an error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nivis_store::nar::{dump_node, parse_node};

fuzz_target!(|bytes: &[u8]| {
    let mut rest = bytes;
    if let Ok(node) = parse_node(&mut rest) {
        let mut written = vec![];
        dump_node(&node, &mut written).expect("it was just read");
        assert_eq!(written, bytes[..bytes.len() - rest.len()]);
    }
});
