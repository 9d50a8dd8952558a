# One deeper than a limit of 100 allows.
let c = f: g: x: f (g x); f = n: if n == 0 then (x: x) else c (x: x + 1) (f (n - 1)); in f 50 0
