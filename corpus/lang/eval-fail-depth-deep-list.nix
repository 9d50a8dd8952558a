# One deeper than a limit of 100 allows.
let f = n: if n == 0 then [ ] else [ (f (n - 1)) ]; in builtins.deepSeq (f 98) 98
