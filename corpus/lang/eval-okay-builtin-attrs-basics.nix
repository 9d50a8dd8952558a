with builtins;
let s = { b = 2; a = 1; c = 3; }; t = throw "never"; in
[
  (attrNames s) (attrNames { }) (attrValues s) (length (attrValues { a = t; })) (attrNames { a = t; })
  (hasAttr "a" s) (hasAttr "z" s) (hasAttr "a" { a = t; }) (getAttr "b" s) (removeAttrs s [ "a" "z" ]) (removeAttrs s [ ]) (removeAttrs { } [ "a" ])
  (removeAttrs s [ "a" "b" "c" ]) (removeAttrs s [ "a" "a" ])
  (intersectAttrs { a = 0; z = 0; } s) (intersectAttrs s { }) (intersectAttrs { } s) (intersectAttrs s { a = "right"; c = "right"; d = 1; })
  (intersectAttrs { a = t; } { a = 1; })
  (mapAttrs (n: v: "${n}=${toString v}") s) (attrNames (mapAttrs t s)) (mapAttrs t { })
  (catAttrs "a" [ { a = 1; } { b = 2; } { a = 3; } ]) (catAttrs "a" [ ]) (length (catAttrs "a" [ { a = t; } ]))
  (listToAttrs [ { name = "x"; value = 1; } { name = "y"; value = 2; } { name = "x"; value = 3; } ]) (listToAttrs [ ])
  (attrNames (listToAttrs [ { name = "x"; value = t; extra = t; } ]))
  (zipAttrsWith (n: vs: { inherit n vs; }) [ { a = 1; b = 2; } { a = 3; } { c = 4; a = 5; } ]) (zipAttrsWith (n: t) [ ]) (attrNames (zipAttrsWith (n: t) [ s ]))
  (functionArgs ({ a, b ? 1, ... }: a)) (functionArgs (x: x)) (functionArgs ({ }: 1)) (functionArgs map) (functionArgs (add 1)) (functionArgs (x@{ q }: q))
]
