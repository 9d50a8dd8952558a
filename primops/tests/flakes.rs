//! Flake references, as the reference takes them apart and writes them.

mod answers;

use answers::{json, with_evaluator};
use nivis_eval::settings::Settings;

fn eval(source: &str) -> String {
    let mut settings = Settings::default();
    settings.features.insert("flakes".to_owned());
    with_evaluator(&[], settings, |ev| {
        json(ev, source).unwrap_or_else(|error| format!("error: {error}"))
    })
}

fn round_trip(text: &str) -> (String, String) {
    let parsed = format!("builtins.parseFlakeRef \"{text}\"");
    (
        eval(&parsed),
        eval(&format!("builtins.flakeRefToString ({parsed})")),
    )
}

#[test]
fn references_are_taken_apart() {
    for (text, attributes, shown) in [
        (
            "github:NixOS/nixpkgs/23.05?dir=lib",
            r#"{"dir":"lib","owner":"NixOS","ref":"23.05","repo":"nixpkgs","type":"github"}"#,
            "github:NixOS/nixpkgs/23.05?dir=lib",
        ),
        (
            "github:a/b/c/d",
            r#"{"owner":"a","ref":"c/d","repo":"b","type":"github"}"#,
            "github:a/b/c%2Fd",
        ),
        (
            "nixpkgs/nixos-23.05",
            r#"{"id":"nixpkgs","ref":"nixos-23.05","type":"indirect"}"#,
            "flake:nixpkgs/nixos-23.05",
        ),
        (
            "/a/b?dir=c",
            r#"{"dir":"c","path":"/a/b","type":"path"}"#,
            "path:/a/b?dir=c",
        ),
        (
            "git+https://x.org/a/b.git?ref=m&shallow=1&foo=bar&dir=z",
            r#"{"dir":"z","ref":"m","shallow":true,"type":"git","url":"https://x.org/a/b.git?foo=bar"}"#,
            "git+https://x.org/a/b.git?dir=z&foo=bar&ref=m&shallow=1",
        ),
        (
            "tarball+https://x.org/a",
            r#"{"type":"tarball","url":"https://x.org/a"}"#,
            "https://x.org/a",
        ),
    ] {
        assert_eq!(
            round_trip(text),
            (attributes.to_owned(), format!("\"{shown}\"")),
            "{text}"
        );
    }
}

#[test]
fn wrong_references() {
    let parse = |text: &str| eval(&format!("builtins.parseFlakeRef \"{text}\""));
    assert_eq!(
        parse("github:a"),
        "error: flake reference 'github:a' is not an absolute path"
    );
    assert_eq!(parse("foo:bar"), "error: input 'foo:bar' is unsupported");
    assert_eq!(
        parse("nixpkgs#x"),
        "error: unexpected fragment 'x' in flake reference 'nixpkgs#x'"
    );
    let show = |attrs: &str| eval(&format!("builtins.flakeRefToString {{ {attrs} }}"));
    assert_eq!(
        show("type = \"github\"; owner = \"a\";"),
        "error: input attribute 'repo' is missing"
    );
    assert_eq!(
        show("type = \"foo\";"),
        "error: cannot show unsupported input '{\"type\":\"foo\"}'"
    );
    assert_eq!(
        show("type = 1;"),
        "error: input attribute 'type' is not a string {\"type\":1}"
    );
}
