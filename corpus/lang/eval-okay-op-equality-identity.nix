# Values in the same cell are equal without looking inside.
let
  f = x: x;
  s = { inherit f; };
  l = [ f ];
  p = builtins.add;
  g = { a = x: x; };
  h = k: k == k;
  i = a: b: [ a ] == [ b ];
in
[
  (f == f)
  ([ f ] == [ f ])
  ({ a = f; } == { a = f; })
  (s == s)
  (l == l)
  (s.f == s.f)
  ([ s.f ] == [ s.f ])
  ([ (x: x) ] == [ (x: x) ])
  ([ p ] == [ p ])
  ([ builtins.add ] == [ builtins.add ])
  ([ builtins.add ] == [ p ])
  (g == g)
  ([ g.a ] == [ g.a ])
  ({ inherit (g) a; } == { inherit (g) a; })
  (h f)
  (h s)
  (i f f)
  (i s s)
  (s // { } == s)
  ({ } // s == s)
  (s // { f = f; } == s)
  ([ f ] ++ [ ] == l)
  (builtins.elem f [ f ])
  (builtins.elem s [ s ])
  (builtins.map (x: x) [ f ] == l)
  (let a = [ f ]; b = a; in a == b)
  ((builtins.head l) == f)
  (builtins.attrValues s == [ f ])
  (builtins.attrValues s == l)
  ([ (builtins.head l) ] == [ (builtins.head l) ])
]
