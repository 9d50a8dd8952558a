# Sharing through lists, sets, arguments and partial application.
let
  t = x: builtins.trace "once ${x}" x;
  pair = a: [ a a ]; set = a: { x = a; y = a; }; f = (a: b: a) (t "partial");
  s = rec { a = t "rec"; b = a; c = b; };
in
[ (pair (t "pair")) (set (t "set")).x (f 1) (f 2) s.a s.c (let x = t "let"; in [ x x ]) (with { w = t "with"; }; [ w w ]) (map (x: x + x) [ (t "map") ]) ]
