# One deeper than a limit of 100 allows.
let f = { __functor = self: n: if n == 0 then 0 else 1 + self (n - 1); }; in f 50
