# One deeper than a limit of 100 allows.
let f = n: if n == 0 then "x" else "${f (n - 1)}y"; in builtins.stringLength (f 98)
