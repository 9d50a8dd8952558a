# The accumulator is forced at every step, the first one only when used.
[
  (builtins.foldl' (a: b: builtins.trace "step ${toString b}" b) 0 [ 1 2 3 ])
  (builtins.foldl' (a: b: b) (builtins.trace "never" 0) [ (builtins.trace "one" 1) (builtins.trace "two" 2) ])
]
