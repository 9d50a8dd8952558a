# As deep as a limit of 100 allows.
let f = n: if n == 0 then 0 else 1 + builtins.head (map f [ (n - 1) ]); in f 49
