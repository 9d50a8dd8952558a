# As deep as a limit of 100 allows.
let f = n: let m = n - 1; in if n == 0 then 0 else with { k = m; }; 1 + f k; in f 99
