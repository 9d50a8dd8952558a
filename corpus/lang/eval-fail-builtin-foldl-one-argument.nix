builtins.foldl' (a: a) 2 [ 3 4 ]
