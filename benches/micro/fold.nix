# A fold over a generated list.
n: builtins.foldl' (a: b: a + b) 0 (builtins.genList (x: x * 2) (n * 250000))
