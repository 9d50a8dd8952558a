# `//`, removeAttrs and friends keep the cells of the values.
let
  f = x: x; s = { a = f; b = [ f ]; }; l = [ s.a ];
in
[
  ((s // { c = 1; }).b == s.b)
  ([ (s // { c = 1; }).a ] == [ s.a ])
  (removeAttrs s [ "b" ] == { inherit (s) a; })
  (removeAttrs (s // { c = 1; }) [ "c" ] == s)
  (builtins.intersectAttrs { a = 1; } s == removeAttrs s [ "b" ])
  (builtins.catAttrs "a" [ s ] == builtins.catAttrs "a" [ s ])
  (builtins.listToAttrs [ { name = "a"; value = f; } ] == { a = f; })
  (builtins.mapAttrs (n: v: v) { a = f; } == { a = f; })
  (builtins.filter (x: true) [ f ] == [ f ])
  (builtins.concatLists [ [ f ] ] == [ f ])
  (builtins.tail [ 1 f ] == [ f ])
  (builtins.sort (a: b: false) [ f f ] == [ f f ])
  ((builtins.partition (x: true) [ f ]).right == [ f ])
  (builtins.foldl' (a: b: a ++ [ b ]) [ ] [ f ] == [ f ])
  (builtins.genericClosure { startSet = [ { key = 1; inherit f; } ]; operator = x: [ ]; } == [ { key = 1; inherit f; } ])
]
