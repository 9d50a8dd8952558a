# As deep as a limit of 100 allows.
let f = n: x: if n == 0 then x else f (n - 1) (x + 1); in f 99 0
