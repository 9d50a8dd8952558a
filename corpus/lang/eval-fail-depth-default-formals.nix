# One deeper than a limit of 100 allows.
let f = { n ? 0, r ? if n == 0 then 0 else f { n = n - 1; } }: r; in f { n = 100; }
