# The source of an inherit clause is evaluated at most once.
let
  s = { inherit (builtins.trace "source" { a = 1; b = 2; c = 3; }) a b c; };
in
s.a + s.b + s.c
