//! Primops on attribute sets.

mod support;

use support::{fails, holds};

#[test]
fn basics() {
    holds(&[
        "builtins.attrNames { b = 1; a = throw \"x\"; B = 2; } == [ \"B\" \"a\" \"b\" ]",
        "builtins.attrValues { b = 1; a = 2; } == [ 2 1 ]",
        "builtins.getAttr \"a\" { a = 1; } == 1",
        "builtins.hasAttr \"a\" { a = throw \"x\"; } && !builtins.hasAttr \"b\" { a = 1; }",
        "removeAttrs { a = 1; b = 2; c = 3; } [ \"c\" \"x\" \"a\" \"c\" ] == { b = 2; }",
        "builtins.listToAttrs [ { name = \"a\"; value = 1; } { name = \"a\"; value = 2; } ] == { a = 1; }",
        "builtins.intersectAttrs { a = 1; b = 2; } { b = 3; c = 4; } == { b = 3; }",
        "builtins.intersectAttrs { b = 2; } { b = 3; c = 4; d = 5; } == { b = 3; }",
        "builtins.intersectAttrs { a = 1; b = 2; c = 5; } { b = 3; } == { b = 3; }",
        "builtins.catAttrs \"a\" [ { a = 1; } { } { a = 2; } ] == [ 1 2 ]",
        "builtins.functionArgs ({ a, b ? 1, ... }@x: a) == { a = false; b = true; }",
        "builtins.functionArgs (x: x) == { } && builtins.functionArgs (builtins.add 1) == { }",
        "builtins.mapAttrs (n: v: n + v) { a = \"1\"; b = \"2\"; } == { a = \"a1\"; b = \"b2\"; }",
        "builtins.attrNames (builtins.mapAttrs (throw \"x\") { a = 1; }) == [ \"a\" ]",
        "builtins.zipAttrsWith (n: vs: { inherit n vs; }) [ { a = 1; } { b = 2; a = 3; } ] \
         == { a = { n = \"a\"; vs = [ 1 3 ]; }; b = { n = \"b\"; vs = [ 2 ]; }; }",
    ]);
}

#[test]
fn layered_sets() {
    let big = "builtins.listToAttrs (builtins.genList (i: { name = \"n${toString i}\"; value = i; }) 100)";
    for test in [
        "builtins.length (builtins.attrNames (big // { n1 = 7; x = 8; })) == 101",
        "(removeAttrs (big // { x = 8; }) [ \"x\" ]) == big",
        "builtins.intersectAttrs (big // { x = 8; }) { x = 1; y = 2; } == { x = 1; }",
        "builtins.intersectAttrs { x = 1; y = 2; } (big // { x = 8; }) == { x = 8; }",
        "(builtins.mapAttrs (n: v: v) (big // { n1 = 7; })).n1 == 7",
    ] {
        holds(&[&format!("let big = {big}; in {test}")]);
    }
}

#[test]
fn positions() {
    holds(&[
        "let p = builtins.unsafeGetAttrPos \"a\"; in map (x: if x == null then null else x.column) [
(p { a = 1; })
(p (removeAttrs { a = 1; b = 2; } [ \"b\" ]))
(p (builtins.intersectAttrs { a = 1; } { a = 1; b = 2; }))
(p (builtins.mapAttrs (n: v: v) { a = 1; }))
(p (builtins.listToAttrs [ { name = \"a\"; value = 1; } ]))
(p (builtins.functionArgs ({ a, b }: a)))
] == [ 6 19 42 null 42 30 ]",
    ]);
}

#[test]
fn failures() {
    fails("builtins.getAttr \"a\" { }", "attribute 'a' missing");
    fails("builtins.listToAttrs [ { } ]", "attribute 'name' missing");
    fails(
        "builtins.listToAttrs [ { name = \"a\"; } ]",
        "attribute 'value' missing",
    );
    fails("builtins.functionArgs { }", "'functionArgs' requires a function");
}
