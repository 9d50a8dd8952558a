# As deep as a limit of 100 allows.
let s = { f = n: if n == 0 then 0 else 1 + s.f (n - 1); }; in s.f 99
