# Deep recursion.
n: let f = i: if i == 0 then 0 else 1 + f (i - 1); in builtins.foldl' (a: _: a + f 2000) 0 (builtins.genList (x: x) (n * 25))
