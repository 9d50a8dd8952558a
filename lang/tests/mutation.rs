//! Random changes to sources must not confuse the parsers: neither panics, the tree keeps every byte, and it has
//! diagnostics exactly when the source does not parse.

mod common;

use common::{Random, on_main_stack, parse_and_show};
use nivis_lang::lexer::lex;
use nivis_lang::tree::parse_tree;

const SEEDS: &[&str] = &[
    "let a = 1; b = a + 2; in a * b",
    "{ a, b ? 1, ... }@args: a.b.c or d",
    "args@{ a, b }: with args; [ a b (c d) { } ]",
    "rec { a.b.c = 1; a.b.d = \"x${y}z\"; inherit (foo) x y; inherit z \"w\"; }",
    "if a == b then c else if d != e then f else g",
    "assert a -> b; c || d && !e",
    "x: y: { inherit x; \"${y}\" = ''\n  foo ${x} bar\n    baz ''\\n ''${ '' ''$ \n''; }",
    "[ ./foo ../bar/baz /etc/passwd ~/x <nixpkgs/lib> http://foo.bar/x ./a/${b}/c ]",
    "let { a = 1; body = a; }",
    "f (x: x) [ 1 2.5 .5 ] { a = 1; } rec { b = 2; } # c\n",
    "1 - 2 - -3 * 4 / 5 ++ c // d |> e",
    "{ ${x} = 1; \"a${b}\" = 2; a = { c = 1; }; a.d = 2; ${''s''} = 3; }",
    "let inherit (a) b c; or = 1; in x.or or y ? \"z\"",
];

const PIECES: &[&str] = &[
    "if",
    "then",
    "else",
    "assert",
    "with",
    "let",
    "in",
    "rec",
    "inherit",
    "or",
    "...",
    "==",
    "<",
    "//",
    "++",
    "->",
    "|>",
    "<|",
    "${",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "=",
    ";",
    ":",
    ",",
    "@",
    ".",
    "?",
    "!",
    "-",
    "/",
    "\"",
    "''",
    "a",
    "b",
    "1",
    "1.5",
    "./x",
    "./x/",
    "<x>",
    "a:b",
    "~/q",
    "%",
    "$",
    "'",
    "\\",
    "/*",
    "*/",
    "#",
    "\0",
    "\u{e9}",
    "\r\n",
    "99999999999999999999",
    "1.0e999",
    " ",
    "__curPos",
];

/// Removes, inserts, replaces, repeats or cuts off tokens.
fn mutate(random: &mut Random, source: &str) -> Vec<u8> {
    let mut bytes = source.as_bytes().to_vec();
    for _ in 0..1 + random.below(3) {
        let tokens = lex(&bytes, true, true).tokens;
        let token = tokens[random.below(tokens.len())];
        let range = token.start as usize..token.end as usize;
        let piece = PIECES[random.below(PIECES.len())].bytes();
        match random.below(6) {
            0 => drop(bytes.drain(range)),
            1 => drop(bytes.splice(range.start..range.start, piece.chain(*b" "))),
            2 => drop(bytes.splice(range, piece)),
            3 => bytes.truncate(range.end),
            4 => {
                let copy = bytes[range.clone()].to_vec();
                bytes.splice(range.start..range.start, copy);
            }
            _ if bytes.is_empty() => {}
            _ => {
                let at = random.below(bytes.len());
                bytes[at] = random.below(256) as u8;
            }
        }
    }
    bytes
}

#[test]
fn parsers_agree_on_mutated_sources() {
    on_main_stack(|| {
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        for round in 0..20_000 {
            let source = mutate(&mut random, SEEDS[round % SEEDS.len()]);
            let tree = parse_tree(&source, true);
            assert!(tree.text() == source, "{:?}", String::from_utf8_lossy(&source));
            let result = parse_and_show(&source, true);
            assert_eq!(
                result.starts_with("error"),
                !tree.diagnostics().is_empty(),
                "{:?}: {result}, {:?}",
                String::from_utf8_lossy(&source),
                tree.diagnostics()
            );
        }
    });
}

#[test]
fn parsers_survive_any_bytes() {
    let mut random = Random(42);
    for _ in 0..5_000 {
        let length = random.below(40);
        let source: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
        assert_eq!(parse_tree(&source, false).text(), source);
        parse_and_show(&source, false);
    }
}
