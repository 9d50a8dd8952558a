let s = { a = x: x; b = map; c = map 1; e = ./x; f = 1.0; g = "q\"\n"; h = null; i = true; "j k" = 1; d.type = "derivation"; l = [ ]; m = { }; n = [ 1 [ 2 ] ]; }; in builtins.deepSeq s (toString s)
