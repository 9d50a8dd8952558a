# One deeper than a limit of 100 allows.
let f = n: if n == 0 then 1 else builtins.addErrorContext "x" (f (n - 1)); in f 50
