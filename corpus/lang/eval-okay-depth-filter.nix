# As deep as a limit of 100 allows.
let f = n: if n == 0 then true else builtins.filter f [ (n - 1) ] != [ ]; in f 49
