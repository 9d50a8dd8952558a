# As deep as a limit of 100 allows.
let f = n: assert n >= 0; if n == 0 then true else f (n - 1) && true; in f 98
