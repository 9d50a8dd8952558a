# One deeper than a limit of 100 allows.
let f = n: if n == 0 then 1 else builtins.length (builtins.genericClosure { startSet = [ { key = f (n - 1); } ]; operator = x: [ ]; }); in f 34
