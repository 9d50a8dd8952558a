//! Primops on lists.

mod support;

use support::{eval, fails, holds};

#[test]
fn basics() {
    holds(&[
        "builtins.length [ 1 (throw \"x\") ] == 2",
        "map (x: x + 1) [ 1 2 ] == [ 2 3 ]",
        "builtins.length (map (throw \"never\") [ ]) == 0",
        "builtins.filter (x: x > 1) [ 1 2 3 ] == [ 2 3 ]",
        "builtins.elem 2 [ 1 2 (throw \"x\") ]",
        "builtins.elemAt [ 1 2 ] 1 == 2",
        "builtins.head [ 1 (throw \"x\") ] == 1",
        "builtins.tail [ (throw \"x\") 2 ] == [ 2 ]",
        "builtins.concatLists [ [ 1 ] [ ] [ 2 3 ] ] == [ 1 2 3 ]",
        "builtins.concatMap (x: [ x x ]) [ 1 2 ] == [ 1 1 2 2 ]",
        "builtins.foldl' (a: b: a + b) 1 [ 2 3 ] == 6",
        "builtins.foldl' (a: b: b) (throw \"nul\") [ 1 ] == 1",
        "builtins.any (x: x == 1) [ 1 (throw \"x\") ]",
        "!builtins.all (x: x == 1) [ 2 (throw \"x\") ]",
        "builtins.partition (x: x > 1) [ 1 2 3 ] == { right = [ 2 3 ]; wrong = [ 1 ]; }",
        "builtins.genList (x: x * x) 3 == [ 0 1 4 ]",
        "builtins.groupBy (x: if x > 1 then \"b\" else \"a\") [ 3 1 2 ] == { a = [ 1 ]; b = [ 3 2 ]; }",
    ]);
}

#[test]
fn elements_keep_their_identity() {
    holds(&[
        "let l = [ (x: x) ]; in builtins.filter (x: true) l == l",
        "let l = [ (x: x) 1 ]; in builtins.filter builtins.isFunction l != [ (builtins.head l) ]",
        "let l = [ (x: x) 1 ]; in builtins.tail ([ 0 ] ++ l) == l",
        "let l = [ (x: x) 1 ]; in builtins.concatLists [ [ ] l ] == l",
        "let f = x: x; in builtins.sort (a: b: false) [ f f ] == [ f f ]",
    ]);
}

#[test]
fn sorting() {
    holds(&[
        "builtins.sort builtins.lessThan [ 3 1 2 ] == [ 1 2 3 ]",
        "builtins.sort builtins.lessThan [ \"b\" \"a\" ] == [ \"a\" \"b\" ]",
        // Stable.
        "map (x: x.v) (builtins.sort (a: b: a.k < b.k) (builtins.genList (i: { k = i - i / 3 * 3; v = i; }) 100)) \
         == builtins.filter (i: i - i / 3 * 3 == 0) (builtins.genList (i: i) 100) \
         ++ builtins.filter (i: i - i / 3 * 3 == 1) (builtins.genList (i: i) 100) \
         ++ builtins.filter (i: i - i / 3 * 3 == 2) (builtins.genList (i: i) 100)",
        // Senseless comparators.
        "builtins.length (builtins.sort (a: b: true) (builtins.genList (i: i) 100)) == 100",
        "builtins.sort (a: b: a > b) (builtins.genList (i: i) 50) == builtins.genList (i: 49 - i) 50",
    ]);
}

#[test]
fn failures() {
    fails("builtins.head [ ]", "'builtins.head' called on an empty list");
    fails("builtins.tail [ ]", "'builtins.tail' called on an empty list");
    fails(
        "builtins.elemAt [ 1 ] 1",
        "'builtins.elemAt' called with index 1 on a list of size 1",
    );
    fails(
        "builtins.elemAt [ 1 ] (-1)",
        "'builtins.elemAt' called with index -1 on a list of size 1",
    );
    fails("builtins.genList (x: x) (-1)", "cannot create list of size -1");
}

/// How many list elements evaluating the code makes, and its result.
fn elements_made(code: &str) -> (u64, i64) {
    let (ev, result) = eval(code);
    let value = result.expect("it is valid");
    (
        ev.heap.counters.list_elements.get(),
        value.as_int().expect("an integer"),
    )
}

#[test]
fn lists_are_not_copied_needlessly() {
    let n = 10_000;
    let list = format!("l = builtins.genList (x: x) {n};");
    let cases = [
        // What is kept is copied once.
        ("builtins.length (builtins.filter (x: x >= 5) l)", n - 5, n - 5),
        ("builtins.length (builtins.filter (x: true) l)", n, 0),
        ("if builtins.elem 9999 l then 1 else 0", 1, 0),
        ("builtins.elemAt l 9999", 9999, 0),
        ("builtins.length (builtins.concatLists [ [ ] l [ ] ])", n, 3),
        ("builtins.length (builtins.concatMap (x: [ x ]) l)", n, 2 * n),
        ("builtins.foldl' (a: b: a + b) 0 l", 49_995_000, 0),
    ];
    for (code, expected, copied) in cases {
        let (made, result) = elements_made(&format!("let {list} in {code}"));
        assert_eq!(result, expected, "{code}");
        let extra = made.abs_diff((n + copied) as u64);
        // The scope's own lists are few.
        assert!(extra < 10, "{code}: {made} elements");
    }
}
