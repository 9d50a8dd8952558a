# As deep as a limit of 100 allows.
let l = builtins.genList (n: if n == 0 then 0 else 1 + builtins.elemAt l (n - 1)) (49 + 1); in builtins.elemAt l 49
