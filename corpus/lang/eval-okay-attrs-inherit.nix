let
  a = 1;
  s = { x = 10; y = { z = 20; }; "a b" = 30; };
in
[
  { inherit a; }
  { inherit (s) x y; }
  { inherit (s) "a b" "x"; }
  { inherit "a"; }
  { inherit ({ q = 1; }) q; }
  (let inherit (s) x; inherit (s.y) z; in [ x z ])
  rec { inherit a; b = a; }
  rec { inherit (s) x; b = x; }
  { inherit; }
  { inherit (s); }
  { inherit (throw "never used"); }
  (let inherit a; b = a; in b)
  rec { s = { x = 1; }; inherit (s) x; }
  { inherit ${"a"}; }
  { inherit (s) ${"x"}; }
]
