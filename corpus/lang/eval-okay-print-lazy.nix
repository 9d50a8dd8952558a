{ a = 1; b = 1 + 1; c = [ (1 + 1) 2 ]; d = x: x; e = throw "never"; f = "s"; g = { h = 1; }; i = ./.; }
