# As deep as a limit of 100 allows.
let f = n: let g = a: if n == 0 then a else 1 + (f (n - 1)) a; in g; in f 99 0
