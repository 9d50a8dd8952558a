# One deeper than a limit of 100 allows.
let f = k: n: if n == 0 then 0 else 1 + (builtins.mapAttrs f { a = n - 1; }).a; in f "a" 100
