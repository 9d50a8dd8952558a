# One deeper than a limit of 100 allows.
let f = n: if n == 0 then true else builtins.sort (a: b: f (n - 1)) [ 1 2 ] != [ ]; in f 34
