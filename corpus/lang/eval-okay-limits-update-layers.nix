# Sets made of many layers behave as flat ones.
let
  n = 400;
  keys = builtins.genList (i: "k${toString i}") n;
  layer = i: { ${"k${toString i}"} = i; common = i; ${if i / 2 * 2 == i then "even" else "odd"} = i; };
  left = builtins.foldl' (s: i: s // layer i) { } (builtins.genList (i: i) n);
  right = let go = i: if i == n then { } else layer i // go (i + 1); in go 0;
  shared = builtins.foldl' (s: i: s // { x = i; }) { y = throw "never"; } (builtins.genList (i: i) n);
in
[
  (builtins.length (builtins.attrNames left)) left.common left.even left.odd left.k0 left.k399
  right.common right.even right.odd (removeAttrs left [ "common" "even" "odd" ] == removeAttrs right [ "common" "even" "odd" ])
  (builtins.attrNames left == builtins.attrNames right) (map (k: left.${k}) keys == builtins.genList (i: i) n) shared.x (builtins.attrNames shared)
  (builtins.intersectAttrs { k5 = 1; k300 = 1; zz = 1; } left) (builtins.length (builtins.attrNames (builtins.intersectAttrs left right))) (left ? k200) (left ? k400) (left.k400 or "none")
  (builtins.foldl' builtins.add 0 (builtins.attrValues (builtins.mapAttrs (k: v: v + 1) left)))
]
