# Two derivations are compared by outPath only.
let
  d = path: rest: { type = "derivation"; outPath = path; } // rest;
in
[
  (d "a" { x = 1; } == d "a" { x = 2; })
  (d "a" { x = throw "never"; } == d "a" { })
  (d "a" { } == d "b" { })
  ({ type = "derivation"; a = 1; } == { type = "derivation"; a = 1; })
  ({ type = "derivation"; a = 1; } == { type = "derivation"; a = 2; })
  ({ type = "other"; outPath = "a"; x = 1; } == { type = "other"; outPath = "a"; x = 2; })
  (d "a" { } == { outPath = "a"; })
]
