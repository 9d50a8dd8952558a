# One deeper than a limit of 100 allows.
let f = n: if n == 0 then [ ] else [ (f (n - 1)) ]; in f 99 == f 99
