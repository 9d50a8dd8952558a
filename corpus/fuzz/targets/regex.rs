//! A first line as a regular expression, the rest as the text it is looked for in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nivis_primops::posix_regex::{Captures, Regex};

fn check(found: &Captures, text: &[u8]) {
    for range in found.groups.iter().flatten().chain([&found.whole]) {
        assert!(range.start <= range.end && range.end <= text.len());
    }
}

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |&byte| byte == b'\n');
    let pattern = parts.next().unwrap_or_default();
    let text = parts.next().unwrap_or_default();
    let Ok(regex) = Regex::new(pattern) else { return };
    if let Ok(Some(found)) = regex.match_whole(text) {
        check(&found, text);
        assert_eq!(found.whole, 0..text.len());
    }
    let mut end = 0;
    for found in regex.matches(text) {
        let Ok(found) = found else { return };
        check(&found, text);
        assert!(found.whole.start >= end);
        end = found.whole.end;
    }
});
