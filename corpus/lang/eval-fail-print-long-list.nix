let l = builtins.genList (x: x) 30; in builtins.deepSeq l (l + 1)
