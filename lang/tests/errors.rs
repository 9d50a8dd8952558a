//! Errors, in the reference's words and at its places.

mod common;

use bumpalo::Bump;
use common::check;
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbols;
use nivis_lang::{Lint, ParseOptions, Warning, parse};

#[test]
fn tokens() {
    check(&[
        (
            "1 ;",
            "error: syntax error, unexpected ';', expecting end of file @ 1:3",
        ),
        (
            "{ a = 1 }",
            "error: syntax error, unexpected '}', expecting ';' @ 1:9",
        ),
        (
            "{ a b",
            "error: syntax error, unexpected identifier, expecting '.' or '=' @ 1:5",
        ),
        ("x: then", "error: syntax error, unexpected 'then' @ 1:4"),
        ("a == b == c", "error: syntax error, unexpected '==' @ 1:8"),
        ("a < b <= c", "error: syntax error, unexpected '<=' @ 1:7"),
        ("%", "error: syntax error, unexpected invalid token @ 1:1"),
        (
            "a |> b",
            "error: experimental Nix feature 'pipe-operators' is disabled; add '--extra-experimental-features pipe-operators' to enable it @ 1:3",
        ),
        (
            "1 9223372036854775808",
            "error: invalid integer '9223372036854775808' @ 1:3",
        ),
        ("1.0e999", "error: invalid float '1.0e999' @ 1:1"),
        ("./a/", "error: path has a trailing slash @ 1:1"),
        ("./a/ ", "error: path has a trailing slash @ 1:5"),
        ("[ ./a", "error: syntax error, unexpected end of file @ 1:3"),
        ("[ ./a/", "error: path has a trailing slash @ 1:3"),
        (
            "a/b//c",
            "error: syntax error, unexpected end of path, expecting '${' @ 1:1",
        ),
        (
            "\"a",
            "error: syntax error, unexpected end of file, expecting '\"' @ 1:3",
        ),
        (
            "\"a${1}",
            "error: syntax error, unexpected end of file, expecting '\"' @ 1:7",
        ),
        (
            "\"\\",
            "error: syntax error, unexpected end of file, expecting '\"' @ 1:3",
        ),
        (
            "''a",
            "error: syntax error, unexpected end of file, expecting indented string or '${' or end of an indented string @ 1:4",
        ),
        (
            "'' ''$",
            "error: syntax error, unexpected end of file, expecting indented string or '${' or end of an indented string @ 1:7",
        ),
        ("/* a", "error: syntax error, unexpected '/' @ 1:1"),
        ("{ a ? ", "error: syntax error, unexpected end of file @ 1:7"),
        (
            "let a = 1;",
            "error: syntax error, unexpected end of file, expecting 'in' or 'inherit' @ 1:11",
        ),
        ("let in", "error: syntax error, unexpected end of file @ 1:7"),
        (
            "(1",
            "error: syntax error, unexpected end of file, expecting ')' @ 1:3",
        ),
        ("[ 1 -1 ]", "error: syntax error, unexpected '-' @ 1:5"),
        ("{ inherit ", "error: syntax error, unexpected end of file @ 1:11"),
        ("{ inherit a.b; }", "error: syntax error, unexpected '.' @ 1:12"),
        (
            "a.",
            "error: syntax error, unexpected end of file, expecting identifier or 'or' or '${' or '\"' @ 1:3",
        ),
        (
            "if 1 then 2",
            "error: syntax error, unexpected end of file, expecting 'else' @ 1:12",
        ),
        (
            "assert 1",
            "error: syntax error, unexpected end of file, expecting ';' @ 1:9",
        ),
        (
            "let x = 1 in x",
            "error: syntax error, unexpected 'in', expecting ';' @ 1:11",
        ),
        (
            "x@y: 1",
            "error: syntax error, unexpected identifier, expecting '{' @ 1:3",
        ),
        (
            "{ a, b }",
            "error: syntax error, unexpected end of file, expecting ':' or '@' @ 1:9",
        ),
        (
            "{ a, , b }: 1",
            "error: syntax error, unexpected ',', expecting identifier or '...' or '}' @ 1:6",
        ),
        (
            "a ? b or c",
            "error: syntax error, unexpected 'or', expecting end of file @ 1:7",
        ),
        (
            "f !a",
            "error: syntax error, unexpected '!', expecting end of file @ 1:3",
        ),
        ("let or = 1; in or", "error: syntax error, unexpected 'or' @ 1:16"),
        ("é", "error: syntax error, unexpected invalid token @ 1:1"),
        ("~", "error: syntax error, unexpected invalid token @ 1:1"),
        (
            "1 + let a = 1; in a",
            "error: syntax error, unexpected identifier, expecting '{' @ 1:9",
        ),
        (
            "{ a = 1; }}",
            "error: syntax error, unexpected '}', expecting end of file @ 1:11",
        ),
        (
            "rec x",
            "error: syntax error, unexpected identifier, expecting '{' @ 1:5",
        ),
        ("", "error: syntax error, unexpected end of file @ 1:1"),
        (
            "# only a comment\n",
            "error: syntax error, unexpected end of file @ 2:1",
        ),
    ]);
}

#[test]
fn bindings() {
    check(&[
        (
            "{ a = 1; a = 2; }",
            "error: attribute 'a' already defined at 1:3 @ 1:10",
        ),
        (
            "{ a.b = 1; a.b = 2; }",
            "error: attribute 'a.b' already defined at 1:3 @ 1:12",
        ),
        (
            "{ a = 1; a.b = 2; }",
            "error: attribute 'a' already defined at 1:3 @ 1:10",
        ),
        (
            "{ a.b = 1; a = 2; }",
            "error: attribute 'a' already defined at 1:3 @ 1:12",
        ),
        (
            "{ a = { b = 1; }; a.b = 2; }",
            "error: attribute 'a.b' already defined at 1:9 @ 1:19",
        ),
        (
            "{ a.b.c = 1; a = { b = 2; }; }",
            "error: attribute 'a.b' already defined at 1:3 @ 1:20",
        ),
        (
            "x: { a.b = { c = 1; }; a = { b = { d = 1; c = 2; }; }; }",
            "error: attribute 'a.b.c' already defined at 1:14 @ 1:43",
        ),
        (
            "{ a = 1; inherit a; }",
            "error: attribute 'a' already defined at 1:3 @ 1:18",
        ),
        (
            "a: { inherit a; a = 1; }",
            "error: attribute 'a' already defined at 1:14 @ 1:17",
        ),
        (
            "a: { inherit a; a.b = 1; }",
            "error: attribute 'a' already defined at 1:14 @ 1:17",
        ),
        (
            "{ b = { c = 1; c = 2; }; b = 3; }",
            "error: attribute 'c' already defined at 1:9 @ 1:16",
        ),
        (
            "{ a = 1; a = 2; b = { c = 1; c = 2; }; }",
            "error: attribute 'a' already defined at 1:3 @ 1:10",
        ),
        (
            "{ a = 1; a = 2; b = ; }",
            "error: attribute 'a' already defined at 1:3 @ 1:10",
        ),
        (
            "{ b = ; a = 1; a = 2; }",
            "error: syntax error, unexpected ';' @ 1:7",
        ),
        (
            "{ \"a b\" = 1; \"a b\" = 2; }",
            "error: attribute '\"a b\"' already defined at 1:3 @ 1:14",
        ),
        (
            "let ${\"a\" + \"b\"} = 1; in 2",
            "error: dynamic attributes not allowed in let @ 1:1",
        ),
        (
            "x: { inherit ${x}; }",
            "error: dynamic attributes not allowed in inherit @ 1:14",
        ),
        (
            "x: { inherit (x) \"${x}\"; }",
            "error: dynamic attributes not allowed in inherit @ 1:18",
        ),
    ]);
}

#[test]
fn functions() {
    check(&[
        (
            "{ a, a }: 1",
            "error: duplicate formal function argument 'a' @ 1:6",
        ),
        (
            "{ a, b }@a: 1",
            "error: duplicate formal function argument 'a' @ 1:1",
        ),
        (
            "a@{ b, a }: 1",
            "error: duplicate formal function argument 'a' @ 1:1",
        ),
        (
            "{ b, c, b, c }: 1",
            "error: duplicate formal function argument 'b' @ 1:9",
        ),
        (
            "{ a, a }: 1 ;",
            "error: duplicate formal function argument 'a' @ 1:6",
        ),
        ("{ a, a }: ;", "error: syntax error, unexpected ';' @ 1:11"),
    ]);
}

#[test]
fn an_error_says_what_may_help() {
    let options = ParseOptions::new(1, b"/");
    let error = parse(b"{ a = [ 1 2; }", &options, &mut Symbols::new(), &Bump::new()).unwrap_err();
    let hints: Vec<_> = error
        .hints
        .iter()
        .map(|hint| (hint.message.as_str(), hint.pos))
        .collect();
    assert_eq!(
        hints,
        [
            ("expected `]`, found `;`", Some(Pos(12))),
            ("opened here", Some(Pos(7)))
        ]
    );
}

#[test]
fn lints_warn_or_fail() {
    let mut options = ParseOptions {
        url_literals: Lint::Warn,
        ..ParseOptions::new(1, b"/")
    };
    let message =
        "URL literals are discouraged. Consider using a string literal \"a:b\" instead (lint-url-literals)";
    let parsed = parse(b"[ a:b ]", &options, &mut Symbols::new(), &Bump::new())
        .unwrap()
        .warnings;
    assert_eq!(
        parsed,
        [Warning::Lint {
            pos: Pos(3),
            message: message.to_owned()
        }]
    );
    options.url_literals = Lint::Fatal;
    let error = parse(b"[ a:b ]", &options, &mut Symbols::new(), &Bump::new()).unwrap_err();
    assert_eq!(error.message, message.replace("discouraged", "disallowed"));
}

#[test]
fn or_as_an_argument_warns_where_it_would_change_its_meaning() {
    let warnings = |source: &'static str| {
        let options = ParseOptions::new(1, b"/");
        match parse(source.as_bytes(), &options, &mut Symbols::new(), &Bump::new()) {
            Ok(parsed) => parsed.warnings,
            Err(error) => error.warnings,
        }
    };
    let warning = |pos, snippet: &str| Warning::Or {
        pos: Pos(pos),
        snippet: snippet.into(),
    };
    assert_eq!(warnings("f or"), []);
    assert_eq!(warnings("f or x"), []);
    assert_eq!(warnings("f (x or)"), []);
    assert_eq!(warnings("[ f or ]"), [warning(3, "f or")]);
    assert_eq!(warnings("f x /* */ or"), [warning(3, "x /* */ or")]);
    assert_eq!(warnings("x.a or f or"), [warning(8, "f or")]);
    assert_eq!(warnings("[ f or or ]"), [warning(3, "f or")]);
}
