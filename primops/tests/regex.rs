//! Regular expressions, compared with answers recorded from C++ Nix.
//!
//! Each line of `answers/regex.json` is a pattern, a text, what `builtins.match` gives and what `builtins.split` gives. Most
//! patterns are random: they are there for the corners that nobody would write down.

use nivis_primops::posix_regex::{Captures, Regex};
use serde_json::{Value, json};

fn groups(text: &str, found: &Captures) -> Value {
    found
        .groups
        .iter()
        .map(|group| group.clone().map(|range| &text[range]))
        .collect()
}

#[test]
fn recorded_answers() {
    let recorded: Vec<(String, String, Value, Value)> =
        serde_json::from_str(include_str!("answers/regex.json")).expect("a table of four columns");
    for (pattern, text, matched, split) in recorded {
        let regex = Regex::new(pattern.as_bytes()).expect("a valid pattern");
        let found = regex.match_whole(text.as_bytes()).expect("a small search");
        let answer = found.map_or(Value::Null, |found| groups(&text, &found));
        assert_eq!(answer, matched, "match {pattern:?} {text:?}");

        let mut parts = vec![];
        let mut end = 0;
        for found in regex.matches(text.as_bytes()) {
            let found = found.expect("a small search");
            parts.extend([json!(text[end..found.whole.start]), groups(&text, &found)]);
            end = found.whole.end;
        }
        parts.push(json!(text[end..]));
        assert_eq!(Value::from(parts), split, "split {pattern:?} {text:?}");
    }
}
