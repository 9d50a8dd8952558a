# A chain of additions built up lazily is deep but has no calls.
let l = builtins.foldl' (a: x: a ++ [ x ]) [ ] (builtins.genList (x: x) 2000); in builtins.length l
