# One deeper than a limit of 100 allows.
let f = n: x: if n == 0 then x else f (n - 1) (x + 1); in f 100 0
