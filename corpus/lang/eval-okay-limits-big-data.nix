# A hundred thousand of each.
let
  n = 100000;
  l = builtins.genList (i: i) n;
  sum = builtins.foldl' builtins.add 0;
  s = builtins.listToAttrs (map (i: { name = "n${toString i}"; value = i; }) l);
in
[
  (sum l) (sum (map (x: x * 2) l)) (builtins.length (builtins.filter (x: x / 7 * 7 == x) l)) (sum (builtins.concatMap (x: [ x x ]) l)) (builtins.elemAt (builtins.sort (a: b: a > b) l) 0)
  (sum (builtins.attrValues s)) (builtins.length (builtins.attrNames (s // { x = 1; }))) (builtins.stringLength (toString l)) (builtins.stringLength (builtins.toJSON l)) (builtins.length (builtins.fromJSON (builtins.toJSON l)))
  (l == builtins.genList (i: i) n) (s == builtins.mapAttrs (k: v: v) s) (builtins.length (builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: if x.key < 5000 then [ { key = x.key + 1; } ] else [ ]; })) (builtins.stringLength (builtins.replaceStrings [ "1" ] [ "one" ] (toString l))) (builtins.length (builtins.split "," (builtins.concatStringsSep "," (map toString (builtins.genList (i: i) 2000)))))
  (sum (builtins.attrValues (builtins.mapAttrs (k: v: builtins.length v) (builtins.groupBy (x: toString (x / 1000)) l)))) (builtins.elem 99999 l) (builtins.all (x: x >= 0) l) (builtins.any (x: x < 0) l) (sum (builtins.tail l)) (builtins.length ((builtins.partition (x: x < 10) l).wrong)) (builtins.length (l ++ l))
]
