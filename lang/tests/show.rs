//! What sources mean, as the reference's `nix-instantiate --parse` prints it.

mod common;

use bumpalo::Bump;
use common::{check, parse_and_show};
use nivis_lang::symbol::Symbols;
use nivis_lang::{ParseOptions, parse_bindings};

#[test]
fn operators() {
    check(&[
        (
            "a: b: c: a + b - c * a / b",
            "(a: (b: (c: (__sub (a + b) (__div (__mul c a) b)))))",
        ),
        (
            "a: b: c: a ++ b ++ c // a // b",
            "(a: (b: (c: ((a ++ (b ++ c)) // (a // b)))))",
        ),
        ("a: b: c: a -> b -> c", "(a: (b: (c: (a -> (b -> c)))))"),
        (
            "a: b: c: a && b || c && a",
            "(a: (b: (c: ((a && b) || (c && a)))))",
        ),
        (
            "a: b: !a ? b && -b == b",
            "(a: (b: ((! ((a) ? b)) && ((__sub 0 b) == b))))",
        ),
        (
            "a: b: a < b || a <= b || a > b || a >= b",
            "(a: (b: ((((__lessThan a b) || (! (__lessThan b a))) || (__lessThan b a)) || (! (__lessThan a b)))))",
        ),
        ("a: b: a == b -> a != b", "(a: (b: ((a == b) -> (a != b))))"),
        ("a: b: !a == b", "(a: (b: ((! a) == b)))"),
        ("a: b: -a ? b", "(a: (b: (((__sub 0 a)) ? b)))"),
        (
            "a: b: - - a * !b + a",
            "(a: (b: (__mul (__sub 0 (__sub 0 a)) (! (b + a)))))",
        ),
        ("a: b: a.x.y or b a.z", "(a: (b: ((a).x.y or (b) (a).z)))"),
        ("a: b: a.x or b.y or a.z", "(a: (b: (a).x or ((b).y or ((a).z))))"),
        ("a: (a 1) 2 3", "(a: (a 1 2 3))"),
        ("a: (a - 1) 2", "(a: (__sub a 1 2))"),
        (
            "f: with f; [ (f or) (f x or) ((f x) or) ]",
            "(f: (with f; [ ((f or)) ((f (x or))) (((f x) or)) ]))",
        ),
        (
            "a: a ? \"b c\".${a}.d ? e",
            "(a: ((((a) ? \"b c\".\"${a}\".d)) ? e))",
        ),
        (
            "assert 1; with 2; if 3 then 4 else 5",
            "assert 1; (with 2; (if 3 then 4 else 5))",
        ),
    ]);
}

#[test]
fn bindings() {
    check(&[
        (
            "{ a.b.c = 1; a.b.d = 2; a.e = { f = 3; }; }",
            "{ a = { b = { c = 1; d = 2; }; e = { f = 3; }; }; }",
        ),
        (
            "{ a = { b = 1; }; a.c = 2; a = rec { d = 3; }; }",
            "{ a = { b = 1; c = 2; d = 3; }; }",
        ),
        (
            "{ a = rec { b = 1; }; a.c = 2; }",
            "{ a = rec { b = 1; c = 2; }; }",
        ),
        ("{ a.c = 2; a = rec { b = 1; }; }", "{ a = { b = 1; c = 2; }; }"),
        (
            "{ a = ({ b = 1; }); a.c = x: 2; }",
            "{ a = { b = 1; c = (x: 2); }; }",
        ),
        (
            "x: { a.b = 1; a = { inherit (x) c; inherit x; ${x} = 2; }; }",
            "(x: { a = { inherit x; inherit (x) c; b = 1; \"${x}\" = 2; }; })",
        ),
        (
            "x: { ${x} = 1; ${x}.b = 2; a.${x}.c = 3; ${\"s\"} = 4; \"${x}y\" = 5; \"plain\" = 6; ${''ind''} = 7; \"${\"t\"}\" = 8; }",
            "(x: { a = { \"${x}\" = { c = 3; }; }; ind = 7; plain = 6; s = 4; \"${x}\" = 1; \"${x}\" = { b = 2; }; \"${(x + \"y\")}\" = 5; \"${(\"t\")}\" = 8; })",
        ),
        (
            "x: { inherit x; inherit (x) b \"c d\" ${\"e\"}; \"if\" = 1; or = 2; \"1a\" = 3; \"\" = 4; }",
            "(x: { inherit x; inherit (x) b \"c d\" e; \"\" = 4; \"1a\" = 3; \"if\" = 1; or = 2; })",
        ),
        ("let a = 1; b = a; in b", "(let a = 1; b = a; in b)"),
        (
            "let a.${\"b\"}.${\"c\" + \"d\"} = 1; in a",
            "(let a = { b = { \"${(\"c\" + \"d\")}\" = 1; }; }; in a)",
        ),
        ("let { body = x; x = 1; }", "(rec { body = x; x = 1; }).body"),
        ("rec { a = b; b = 1; }", "rec { a = b; b = 1; }"),
        ("let in { }", "(let in { })"),
    ]);
}

#[test]
fn functions() {
    check(&[
        ("{ }: 1", "({  }: 1)"),
        ("{ ... }: 1", "({ ... }: 1)"),
        ("{ b, a ? 1, ... }@x: a", "({ a ? 1, b, ... } @ x: a)"),
        ("x@{ a, }: x", "({ a } @ x: x)"),
        ("x: y: { z }: z", "(x: (y: ({ z }: z)))"),
        ("{ a, ... }: a: a", "({ a, ... }: (a: a))"),
        ("x: [ (y: y) (x { }) ]", "(x: [ ((y: y)) ((x { })) ])"),
    ]);
}

#[test]
fn literals() {
    check(&[
        (
            "[ 1 01 1.5 .5 1. 1.e3 15.2e-7 123456789.0 00.5 ]",
            "[ (1) (1) (1.5) (0.5) (1) (1000) (1.52e-06) (1.23457e+08) (0) (0.5) ]",
        ),
        ("[ http://a.b/c?d=e x:x ]", "[ (\"http://a.b/c?d=e\") (\"x:x\") ]"),
        ("[ /a/../b/./c /. ]", "[ (/b/c) (/) ]"),
        (
            "a: [ /a/${a}/b /a${a}b /${a} /a/${a}b/c//d ]",
            "(a: [ ((/a/ + a + \"/b\")) ((/a + a + \"b\")) ((/ + a)) ((/a/ + a + \"b/c/\" + \"/d\")) ])",
        ),
        ("<nixpkgs/lib>", "(__findFile __nixPath \"nixpkgs/lib\")"),
        ("__curPos", "__curPos"),
        ("a: b: [ a.b a/b /a/b ]", "(a: (b: [ ((a).b) (/a/b) (/a/b) ]))"),
        ("[ true null ]", "[ (true) (null) ]"),
        ("with 1; a.b-c'd", "(with 1; (a).b-c'd)"),
    ]);
}

#[test]
fn strings() {
    check(&[
        (
            "a: [ \"\" \"x\" \"${a}\" \"x${a}\" \"${a}y\" \"${\"x\"}\" ]",
            "(a: [ (\"\") (\"x\") ((a)) ((\"x\" + a)) ((a + \"y\")) ((\"x\")) ])",
        ),
        (
            "a: \"$$ $${a} \\${a} $a \\n\\t\\r\\\\ \\q \\\" $\"",
            "(a: \"$$ $\\${a} \\${a} $a \\n\\t\\r\\\\ q \\\" $\")",
        ),
        ("\"a\r\nb\rc\"", "\"a\\nb\\nc\""),
        (
            "a: [ '''' ''x'' ''${a}'' ''${\"x\"}'' ]",
            "(a: [ (\"\") (\"x\") ((a)) (\"x\") ])",
        ),
        ("''\n    a\n      b\n  ''", "\"a\\n  b\\n\""),
        ("''  a\n    b''", "\"a\\n  b\""),
        ("''a\n    b\n  ''", "\"a\\n    b\\n\""),
        ("''\n\n''", "\"\\n\""),
        ("''   ''", "\"\""),
        ("''\n    a\n\n      \n  \n    b''", "\"a\\n\\n  \\n\\nb\""),
        ("''\n\ta\n  b''", "\"\\ta\\n  b\""),
        ("''\n  a''\\n  b\n    c\n''", "(\"a\" + \"\\n\" + \"b\\n  c\\n\")"),
        ("a: ''\n    ${a}\n      x\n  ''", "(a: (a + \"\\n  x\\n\"))"),
        (
            "a: ''\n  x ''${a} $${a} ''' ' $ ''$a ''",
            "(a: (\"x \" + \"$\" + \"{a} $\\${a} \" + \"''\" + \" ' $ \" + \"$\" + \"a \"))",
        ),
        ("''a\r\n  b''", "\"a\\r\\n  b\""),
        ("''   \n  a''", "\"a\""),
        ("a: ''\n  ${a}  \n  ''", "(a: (a + \"  \\n\"))"),
        ("''\n    x''\\n      y\n  ''", "(\"x\" + \"\\n\" + \"  y\\n\")"),
        ("\"é ü\"", "\"é ü\""),
    ]);
}

#[test]
fn blanks_and_comments() {
    check(&[
        ("# c\n1 /* * / */ + /**/ 2 /***/ + # x\r3", "((1 + 2) + 3)"),
        ("\t1\r\n", "1"),
    ]);
}

#[test]
fn pipe_operators() {
    let cases = [
        ("f: g: x: x |> f |> g", "(f: (g: (x: (g (f x)))))"),
        ("f: g: x: g <| f <| x", "(f: (g: (x: (g (f x)))))"),
        ("f: x: x |> f 1", "(f: (x: (f 1 x)))"),
        ("b: c: a: a |> b -> c", "(b: (c: (a: ((b -> c) a))))"),
        (
            "a: a |> a <| a",
            "error: syntax error, unexpected '<|', expecting end of file @ 1:11",
        ),
    ];
    for (source, expected) in cases {
        assert_eq!(
            parse_and_show(source.as_bytes(), true),
            expected,
            "for {source:?}"
        );
    }
}

#[test]
fn a_zero_byte_ends_the_source() {
    assert_eq!(parse_and_show(b"1 \0 2", false), "1");
    assert_eq!(
        parse_and_show(b"\"a\0\\n\"", false),
        "error: input string 'a␀\n' cannot be represented as Nix string because it contains null bytes @ 1:2"
    );
}

/// The reference aborts on this one.
#[test]
fn inherited_names_keep_their_sources_when_merged() {
    check(&[(
        "x: { a = { inherit (x) b; }; a = { inherit (x.y) c d; }; }",
        "(x: { a = { inherit (x) b; inherit ((x).y) c d; }; })",
    )]);
}

#[test]
fn bindings_without_braces() {
    let bindings = |source: &'static str| {
        let (mut symbols, arena) = (Symbols::new(), Bump::new());
        let options = ParseOptions::new(1, b"/");
        parse_bindings(source.as_bytes(), &options, &mut symbols, &arena)
            .map(|parsed| parsed.ast.attrs.len())
            .map_err(|error| error.message)
    };
    assert_eq!(bindings("a = 1; b.c = 2; b.d = 3; inherit x;"), Ok(3));
    assert_eq!(
        bindings("a = 1"),
        Err("syntax error, unexpected end of file, expecting ';'".to_owned())
    );
    assert_eq!(
        bindings("a = 1; a = 2;"),
        Err("attribute 'a' already defined".to_owned())
    );
    assert!(bindings("").is_err());
}
