# Sorting is stable.
let
  l = map (i: { k = i / 3; v = i; }) [ 5 3 8 1 4 2 7 0 6 ];
in
[
  (map (x: x.v) (builtins.sort (a: b: a.k < b.k) l))
  (map (x: x.v) (builtins.sort (a: b: a.k > b.k) l))
  (builtins.sort (a: b: false) [ 3 1 2 ])
  (builtins.sort builtins.lessThan (builtins.genList (i: (i * 7919) - (i * 7919 / 101 * 101)) 40))
  (builtins.sort builtins.lessThan [ 1.5 1 2 0.5 ])
  (builtins.sort builtins.lessThan [ [ 2 ] [ 1 2 ] [ 1 ] ])
]
