//! Sources that nest without end give an error: no stack overflows, and nothing takes for ever.

mod common;

use common::{on_main_stack, parse_and_show};
use nivis_lang::tree::parse_tree;

/// What to repeat, what to put in the middle, and how to close it.
const NESTS: &[(&str, &str, &str)] = &[
    ("[", "1", "]"),
    ("(", "1", ")"),
    ("{a=", "1", ";}"),
    ("\"${", "1", "}\""),
    ("''${", "1", "}''"),
    ("./a${", "a", "}"),
    ("{${", "a", "}=1;}"),
    ("{inherit (", "a", ") x;}"),
    ("{a ? ", "1", "}: 1"),
    ("x: ", "a", ""),
    ("!", "a", ""),
    ("- ", "a", ""),
    ("a ++ ", "a", ""),
    ("a + ", "a", ""),
    ("a <| ", "a", ""),
    ("a |> ", "a", ""),
    ("if a then b else ", "1", ""),
    ("let a = 1; in ", "a", ""),
    ("with a; ", "a", ""),
    ("a.b or ", "a", ""),
    ("(a ", "a", ").x"),
    ("", "a", " ? b"),
    ("f (x: {a = [ \"${", "a", "}\" ];})"),
];

fn nested(nest: &(&str, &str, &str), times: usize) -> String {
    let (open, middle, close) = nest;
    [open.repeat(times).as_str(), middle, close.repeat(times).as_str()].concat()
}

#[test]
fn endless_nesting_is_an_error() {
    on_main_stack(|| {
        for nest in NESTS {
            let result = parse_and_show(nested(nest, 20_000).as_bytes(), true);
            assert!(
                result.starts_with("error: expressions nest more than"),
                "{nest:?}: {result:.100}"
            );
        }
    });
}

#[test]
fn trees_survive_endless_nesting() {
    on_main_stack(|| {
        for nest in NESTS {
            let source = nested(nest, 20_000);
            let tree = parse_tree(source.as_bytes(), true);
            assert!(tree.text() == source.as_bytes(), "{nest:?}");
            assert!(!tree.diagnostics().is_empty(), "{nest:?}");
        }
    });
}

#[test]
fn deep_nesting_is_fine() {
    on_main_stack(|| {
        for nest in NESTS {
            let result = parse_and_show(nested(nest, 1_000).as_bytes(), true);
            assert!(!result.starts_with("error"), "{nest:?}: {result:.100}");
        }
    });
}

/// Attribute paths make sets in sets.
#[test]
fn long_paths_count_as_nesting() {
    on_main_stack(|| {
        let path = "a . ".repeat(9_990);
        let once = format!("{{ {path} a = 1; {path} b = 2; }}");
        assert!(!parse_and_show(once.as_bytes(), false).starts_with("error"));
        assert_eq!(parse_tree(once.as_bytes(), false).diagnostics(), []);
        let twice = format!("{{ {path} a = {{ {path} a = 1; }}; }}");
        assert!(parse_and_show(twice.as_bytes(), false).starts_with("error: expressions nest"));
    });
}

/// Heights add up where left operands nest.
#[test]
fn chains_in_chains_count_as_nesting() {
    let source = (0..200).fold("a".to_owned(), |source, _| {
        format!("({source}{})", " + a".repeat(100))
    });
    assert!(parse_and_show(source.as_bytes(), false).starts_with("error: expressions nest"));
}

/// Each of these tokens could be the start of a path, as far as the lexer can see.
#[test]
fn runs_without_blanks_are_limited() {
    for source in [
        "-".repeat(1 << 20),
        "a.".repeat(1 << 19),
        "/*".repeat(1 << 19),
        "1+".repeat(1 << 19),
    ] {
        assert!(parse_and_show(source.as_bytes(), false).starts_with("error: "));
        assert!(parse_tree(source.as_bytes(), false).text() == source.as_bytes());
    }
}
