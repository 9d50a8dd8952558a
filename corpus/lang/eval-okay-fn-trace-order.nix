let f = a: b: b + a; in f (builtins.trace "a" 1) (builtins.trace "b" 2)
