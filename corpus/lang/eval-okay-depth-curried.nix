# As deep as a limit of 100 allows.
let f = a: n: if n == 0 then a else 1 + f a (n - 1); in f 0 99
