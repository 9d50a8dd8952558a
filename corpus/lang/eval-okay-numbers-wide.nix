# Integers near the powers of two where a compact representation may end.
let
  p = n: if n == 0 then 1 else 2 * p (n - 1);
  edges = builtins.concatMap (n: let x = p n; in [ (x - 1) x (x + 1) (-x) (-x - 1) (1 - x) ]) [ 29 30 31 32 52 53 59 60 61 62 ];
  min = -9223372036854775807 - 1;
  max = 9223372036854775807;
in
{
  inherit edges min max;
  sums = map (x: x + x - x) (builtins.filter (x: x < p 61 && x > -(p 61)) edges);
  halves = map (x: x / 2) edges;
  negated = map (x: -x) edges;
  sorted = builtins.sort builtins.lessThan (edges ++ [ min max 0 ]) == builtins.sort (a: b: ! (b < a || a == b)) (edges ++ [ min max 0 ]);
  equal = map (x: x == x + 1 - 1) edges;
  floats = map (x: x + 0.5) edges;
  mixed = map (x: [ (x == x + 0.0) (x < x + 1.0) ]) edges;
  json = builtins.fromJSON (builtins.toJSON edges) == edges;
  bits = map (x: builtins.bitXor (builtins.bitAnd x max) (builtins.bitOr x min)) edges;
  strings = map toString [ min max (p 60) (-(p 61)) ];
  keys = builtins.length (builtins.genericClosure { startSet = map (key: { inherit key; }) edges; operator = x: [ ]; });
}
