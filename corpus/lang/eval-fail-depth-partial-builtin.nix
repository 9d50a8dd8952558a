# One deeper than a limit of 100 allows.
let f = n: if n == 0 then 0 else (builtins.add 1) (f (n - 1)); in f 50
