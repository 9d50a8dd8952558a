# No depth counts here.
let f = n: { v = if n == 0 then 0 else 1 + (f (n - 1)).v; }; in (f 400).v
