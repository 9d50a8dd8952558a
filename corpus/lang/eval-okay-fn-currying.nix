let
  add3 = a: b: c: a + b + c;
  p = builtins.foldl' (a: b: a + b);
in
[ (add3 1 2 3) ((add3 1) 2 3) (map (add3 1 2) [ 3 4 ]) (p 0 [ 1 2 ]) ((p 0) [ 3 ]) (map (builtins.add 1) [ 1 ]) ]
