//! Primops that steer evaluation, and those on numbers.

mod support;

use support::{eval, fails, holds};

#[test]
fn catching() {
    holds(&[
        "builtins.tryEval (throw \"x\") == { success = false; value = false; }",
        "builtins.tryEval (assert false; 1) == { success = false; value = false; }",
        "builtins.tryEval 1 == { success = true; value = 1; }",
        "(builtins.tryEval [ (throw \"x\") ]).success",
        "!(builtins.tryEval (builtins.deepSeq [ { a = throw \"x\"; } ] 1)).success",
        "let x = throw \"x\"; in [ (builtins.tryEval x) ] == [ (builtins.tryEval x) ]",
    ]);
    fails(
        "builtins.tryEval (abort \"x\")",
        "evaluation aborted with the following error message: 'x'",
    );
    fails("throw \"x\"", "x");
}

#[test]
fn forcing() {
    holds(&[
        "builtins.seq [ (throw \"x\") ] true",
        "let x = { inherit x; }; in builtins.deepSeq x true",
        "builtins.addErrorContext (throw \"never\") true",
    ]);
    let (_, result) = eval("builtins.addErrorContext \"here\" (throw \"x\")");
    let error = result.expect_err("it throws");
    assert!(error.details().frames.iter().any(|frame| frame.always));
}

#[test]
fn closures() {
    holds(&[
        "map (x: x.key) (builtins.genericClosure { startSet = [ { key = 5; } ]; operator = x: \
         [ { key = if x.key / 2 * 2 == x.key then x.key / 2 else 3 * x.key + 1; } ]; }) == [ 5 16 8 4 2 1 ]",
        "builtins.length (builtins.genericClosure { startSet = [ { key = 1; } ]; operator = x: \
         if x.key > 1000 then [ ] else [ { key = x.key + 1; } { key = x.key * 2; } ]; }) > 1000",
        "builtins.genericClosure { startSet = [ ]; } == [ ]",
    ]);
    fails(
        "builtins.genericClosure { startSet = [ { } ]; operator = x: [ ]; }",
        "attribute 'key' missing",
    );
}

#[test]
fn numbers() {
    holds(&[
        "builtins.add 1 2 == 3 && builtins.sub 1 2 == -1 && builtins.mul 2 3 == 6 && builtins.div 7 2 == 3",
        "builtins.div 7 2.0 == 3.5",
        "builtins.bitAnd 6 3 == 2 && builtins.bitOr 6 3 == 7 && builtins.bitXor 6 3 == 5",
        "builtins.bitXor (-1) 9223372036854775807 == (-9223372036854775807) - 1",
        "builtins.ceil 1.2 == 2 && builtins.floor (-1.2) == -2 && builtins.floor 3 == 3",
        "__sub 3 1 == 2 && __lessThan 1 2",
        "builtins.lessThan [ 1 2 ] [ 1 3 ] && builtins.lessThan [ 1 ] [ 1 2 ]",
    ]);
    fails("builtins.div 1 0", "division by zero");
    fails(
        "builtins.floor 9223372036854775807",
        "Due to a bug (see https://github.com/NixOS/nix/issues/12899) the NixInt argument 9223372036854775807 caused \
         undefined behavior in previous Nix versions.\n\tFuture Nix versions might implement the correct behavior.",
    );
}
