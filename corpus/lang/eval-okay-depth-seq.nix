# As deep as a limit of 100 allows.
let f = n: if n == 0 then 0 else builtins.seq (f (n - 1)) n; in f 49
