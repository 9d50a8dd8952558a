# In which order elements and attributes are evaluated, for every builtin that evaluates them.
let
  t = x: builtins.trace x x;
  s = { c = t "set c"; a = t "set a"; b = t "set b"; };
  l = n: [ (t "${n} 3") (t "${n} 1") (t "${n} 2") ];
  done = n: v: builtins.deepSeq v n;
in
[
  (done "deepSeq set" (builtins.mapAttrs (n: v: t "mapped ${n}") s))
  (done "toJSON" (builtins.toJSON { z = t "json z"; y = [ (t "json y 1") (t "json y 2") ]; x = t "json x"; }))
  (done "toXML" (builtins.toXML { z = t "xml z"; y = [ (t "xml y 1") ]; x = t "xml x"; }))
  (done "==" ({ q = t "eq q"; p = t "eq p"; } == { p = t "eq p"; q = t "eq q"; }))
  (done "== list" (l "eql" == l "eqr"))
  (done "concatStringsSep" (builtins.concatStringsSep "," (l "concat")))
  (done "toString" (toString (l "toString")))
  (done "sort" (builtins.sort builtins.lessThan (l "sort")))
  (done "filter" (builtins.filter (x: x != "") (l "filter")))
  (done "elem" (builtins.elem "none" (l "elem")))
  (done "foldl" (builtins.foldl' (a: b: a + b) "" (l "foldl")))
  (done "all" (builtins.all (x: x != "") (l "all")))
  (done "partition" (builtins.partition (x: x != "") (l "partition")))
  (done "groupBy" (builtins.groupBy (x: x) (l "groupBy")))
  (done "listToAttrs" (builtins.listToAttrs [ { value = t "value 1"; name = t "name z"; } { name = t "name y"; value = t "value 2"; } ]))
  (done "zipAttrsWith" (builtins.zipAttrsWith (n: vs: vs) [ { b = t "zip b"; a = t "zip a"; } { a = t "zip a2"; } ]))
  (done "replaceStrings" (builtins.replaceStrings [ (t "a") (t "b") ] [ (t "x") (t "y") ] "bab"))
  (done "genericClosure" (builtins.genericClosure { operator = x: builtins.trace "operator ${toString x.key}" (if x.key < 3 then [ { key = x.key + 1; } ] else [ ]); startSet = [ { key = builtins.trace "key 2" 2; } { key = builtins.trace "key 1" 1; } ]; }))
  (done "less" ([ (t "l1") (t "l2") ] < [ (t "l1") (t "l3") ]))
  (done "interpolation" "${t "i1"}${t "i2"}")
  (done "plus" (t "p1" + t "p2" + t "p3"))
  (done "concat" ([ (t "c1") ] ++ builtins.trace "c2" [ ] ++ builtins.trace "c3" [ ]))
  (done "catAttrs" (builtins.catAttrs "a" [ { a = t "cat 1"; } { a = t "cat 2"; } ]))
  (done "attrValues" (builtins.attrValues s))
  (done "removeAttrs" (removeAttrs { x = 1; } [ (t "r2") (t "r1") ]))
  (done "call" ((x: { b, a ? t "default" }: [ b a x ]) (t "arg") { b = t "formal"; }))
]
