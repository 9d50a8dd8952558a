# Positions of attributes as `unsafeGetAttrPos` tells them.
let
  pos = n: s: let p = builtins.unsafeGetAttrPos n s; in if p == null then null else "${baseNameOf p.file}:${toString p.line}:${toString p.column}";
  s = {
    a = 1;
      b.c = 2;
    inherit (builtins) map;
    "d e" = 3;
    ${"f" + "g"} = 4;
  };
  t = { a = 2; z = 3; };
in
{
  literal = map (n: pos n s) [ "a" "b" "map" "d e" "fg" "none" ];
  nested = pos "c" s.b;
  update = [ (pos "a" (s // t)) (pos "b" (s // t)) (pos "a" (t // s)) ];
  intersect = pos "a" (builtins.intersectAttrs s t);
  remove = pos "a" (removeAttrs s [ "b" ]);
  args = pos "x" (builtins.functionArgs ({ x, y ? 1 }: x));
  list = pos "n" (builtins.listToAttrs [ { name = "n"; value = 1; } ]);
  mapped = pos "a" (builtins.mapAttrs (n: v: v) s);
  zipped = pos "a" (builtins.zipAttrsWith (n: v: v) [ s ]);
  json = pos "a" (builtins.fromJSON ''{"a":1}'');
  toml = pos "a" (builtins.fromTOML "a = 1");
  builtin = pos "map" builtins;
  rec' = pos "q" rec { q = 1; };
  let' = (let { body = pos "q" { q = 1; }; });
  grouped = pos "a" (builtins.groupBy (x: "a") [ 1 ]);
  formal = (args@{ q }: pos "q" args) { q = 1; };
  try = pos "success" (builtins.tryEval 1);
}
