# The comparisons that sort makes, on runs of several kinds.
let s = n: l: builtins.sort (a: b: builtins.trace "${n}: ${toString a} ${toString b}" (a < b)) l; in
[
  (s "up" [ 1 2 3 4 5 6 7 8 ]) (s "down" [ 8 7 6 5 4 3 2 1 ]) (s "equal" [ 1 1 1 1 1 ]) (s "zigzag" [ 1 8 2 7 3 6 4 5 ]) (s "two" [ 2 1 ]) (s "runs" [ 1 2 3 1 2 3 1 2 3 ]) (s "mixed" [ 5 3 9 1 7 2 8 6 4 0 11 10 ])
  (s "long" (builtins.genList (i: (i * 37 + 11) - (i * 37 + 11) / 41 * 41) 40))
]
