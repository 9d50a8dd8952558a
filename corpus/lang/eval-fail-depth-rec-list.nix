# One deeper than a limit of 100 allows.
let l = builtins.genList (n: if n == 0 then 0 else 1 + builtins.elemAt l (n - 1)) (50 + 1); in builtins.elemAt l 50
