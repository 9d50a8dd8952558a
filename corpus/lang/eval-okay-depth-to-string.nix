# As deep as a limit of 100 allows.
let f = n: { __toString = s: if n == 0 then "x" else toString (f (n - 1)); }; in toString (f 32)
