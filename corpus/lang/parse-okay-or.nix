let or = 1; f = x: x; s = { or = 2; }; in [ (f or) s.or ]
