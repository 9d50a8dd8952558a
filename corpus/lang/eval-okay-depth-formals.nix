# As deep as a limit of 100 allows.
let f = { n, ... }: if n == 0 then 0 else 1 + f { n = n - 1; }; in f { n = 99; }
