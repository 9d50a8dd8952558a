# One deeper than a limit of 100 allows.
let f = n: if n == 0 then 0 else builtins.foldl' (a: b: a + f b) 1 [ (n - 1) ]; in f 34
