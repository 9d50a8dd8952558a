# Topological order and reachability.
let
  edges = { a = [ "b" "c" ]; b = [ "d" ]; c = [ "d" "e" ]; d = [ "f" ]; e = [ "f" ]; f = [ ]; };
  visit = st: n: if builtins.elem n st then st else builtins.foldl' visit st edges.${n} ++ [ n ];
  reach = from: map (x: x.key) (builtins.genericClosure { startSet = [ { key = from; } ]; operator = x: map (key: { inherit key; }) edges.${x.key}; });
  depth = builtins.mapAttrs (n: out: if out == [ ] then 0 else 1 + builtins.foldl' (m: o: if depth.${o} > m then depth.${o} else m) 0 out) edges;
in
[ (builtins.foldl' visit [ ] (builtins.attrNames edges)) (reach "b") (reach "a") depth ]
