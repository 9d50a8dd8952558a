let
  range = n: builtins.genList (x: x) n;
  abs = x: if x < 0 then -x else x;
  safe = row: board: builtins.all (i: let q = builtins.elemAt board i; in q != row && abs (q - row) != i + 1) (range (builtins.length board));
  place = n: k: if k == 0 then [ [ ] ] else builtins.concatMap (b: map (r: [ r ] ++ b) (builtins.filter (r: safe r b) (range n))) (place n (k - 1));
in
[ (builtins.length (place 6 6)) (builtins.head (place 5 5)) ]
