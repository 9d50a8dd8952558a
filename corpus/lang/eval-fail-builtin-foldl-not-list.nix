builtins.foldl' (a: b: a) 2 3
