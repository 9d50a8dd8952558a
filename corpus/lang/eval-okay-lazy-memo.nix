# An element is computed once, wherever it is read.
let
  t = builtins.trace;
  m = builtins.mapAttrs (n: v: t "mapAttrs ${n}" v) { a = 1; b = 2; };
  l = map (x: t "map ${toString x}" x) [ 1 2 ];
  g = builtins.genList (x: t "genList ${toString x}" x) 2;
  z = builtins.zipAttrsWith (n: vs: t "zip ${n}" vs) [ { a = 1; } ];
  c = (m // { c = 1; });
  i = { inherit (t "inherit" { a = 1; b = 2; }) a b; };
  d = { x ? t "default" 1 }: x + x;
in
[ m.a m.a c.a (builtins.head l) (builtins.elemAt l 0) (builtins.head (l ++ [ ])) (builtins.head g) (builtins.head g) z.a z.a i.a i.b (d { }) (removeAttrs m [ "b" ]).a ((builtins.intersectAttrs { a = 1; } m).a) ]
