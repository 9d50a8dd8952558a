{ a = 1; b = 1 + 1; c = [ (1 + 1) ]; d = x: x; e = throw "never"; }
