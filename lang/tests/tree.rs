//! The lossless tree, and what it says about broken sources.

use nivis_lang::tree::{SyntaxNode, parse_tree};

/// The diagnostics of a source: place, message, related place and hint.
fn diagnostics(source: &str) -> Vec<String> {
    let tree = parse_tree(source.as_bytes(), false);
    assert_eq!(tree.text(), source.as_bytes());
    let describe = |diagnostic: &nivis_lang::error::Diagnostic| {
        let mut text = format!("{:?} {}", diagnostic.range, diagnostic.message);
        if let Some((range, message)) = &diagnostic.related {
            text.push_str(&format!(" ({range:?} {message})"));
        }
        if let Some(hint) = &diagnostic.hint {
            text.push_str(&format!(" [{hint}]"));
        }
        text
    };
    tree.diagnostics().iter().map(describe).collect()
}

/// The nodes of a source, as kinds in parentheses.
fn shape(node: &SyntaxNode) -> String {
    let children: Vec<_> = node.children().map(|child| shape(&child)).collect();
    match children.as_slice() {
        [] => format!("{:?}", node.kind()),
        children => format!("{:?}({})", node.kind(), children.join(" ")),
    }
}

#[test]
fn trees_mirror_the_source() {
    let shape = |source: &str| shape(&parse_tree(source.as_bytes(), false).root());
    assert_eq!(
        shape("a + f x # c"),
        "Root(Binary(Variable Apply(Variable Variable)))"
    );
    assert_eq!(
        shape("{ a.\"b\" = ./c/${d}; inherit (e) f; }"),
        "Root(AttrSet(Binding(AttrPath(AttrName StringLiteral) PathLiteral(Interpolation(Variable))) \
         InheritClause(InheritFrom(Variable) AttrName)))"
    );
    assert_eq!(
        shape("x@{ a, b ? 1 }: let y = 1; in y.z or 2"),
        "Root(Lambda(Formals(Formal Formal(Literal)) LetIn(Binding(AttrPath(AttrName) Literal) \
         Select(Variable AttrPath(AttrName) Literal))))"
    );
}

#[test]
fn several_errors_are_found() {
    assert_eq!(
        diagnostics("{ a = 1 b = [ 2; c = ( 3; d = 4; }"),
        [
            "7..7 expected `;`, found a name [each binding ends with `;`]",
            "15..15 expected `]`, found `;` (12..13 opened here)",
            "24..24 expected `)`, found `;` (21..22 opened here)",
        ]
    );
    assert_eq!(
        diagnostics("let x = ; y = 1 + ; in { z = if x then y; }"),
        [
            "8..9 expected an expression, found `;`",
            "18..19 expected an expression, found `;`",
            "40..40 expected `else`, found `;` (29..31 opened here)",
        ]
    );
}

#[test]
fn names_bound_twice_are_found() {
    assert_eq!(
        diagnostics("{ a.b = 1; a = { b = 2; c = 3; }; a.c = 4; d = 1; inherit d; }"),
        [
            "17..18 attribute 'a.b' already defined (2..5 first defined here)",
            "34..37 attribute 'a.c' already defined (24..25 first defined here)",
            "58..59 attribute 'd' already defined (43..44 first defined here)",
        ]
    );
    assert_eq!(diagnostics("{ a = { b = 1; b = 2; }; a.c = 3; }").len(), 1);
    assert_eq!(
        diagnostics("{ x, y, x }@y: let ${x} = 1; in { inherit ${y}; }"),
        [
            "8..9 duplicate formal function argument 'x' (2..3 first given here)",
            "12..13 duplicate formal function argument 'y' (5..6 first given here)",
            "19..23 dynamic attributes not allowed in let [use a set and select from it]",
            "42..46 dynamic attributes not allowed in inherit",
        ]
    );
}

#[test]
fn invalid_tokens_are_found() {
    assert_eq!(
        diagnostics("[ 99999999999999999999 1.0e999 ./a/ ]"),
        [
            "2..22 invalid integer '99999999999999999999'",
            "23..30 invalid float '1.0e999'",
            "35..35 path has a trailing slash",
        ]
    );
}

#[test]
fn any_bytes_are_kept() {
    for source in [
        &b"\xff\xfe"[..],
        b"# \xe9\n1",
        b"\"\xe9\" + %\xff",
        b"1 \0 \xff",
        b"{ a = 1; a = \"\xff\"; }",
    ] {
        assert_eq!(parse_tree(source, false).text(), source);
    }
    // Ranges count bytes of the source even where the tree's do not.
    let tree = parse_tree(b"{ /* \xff\xff */ a = 1; a = 2; }", false);
    assert_eq!(tree.diagnostics()[0].range, 18..19);
    // Where letters are not allowed, each of their bytes is a token.
    let tree = parse_tree("{ é a = 1; a = 2; }".as_bytes(), false);
    assert_eq!(tree.diagnostics().last().expect("found twice").range, 12..13);
}
