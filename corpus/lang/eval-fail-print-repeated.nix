let x = { y = 1; }; s = { a = x; b = x; c = [ x x ]; }; in builtins.deepSeq s (toString s)
