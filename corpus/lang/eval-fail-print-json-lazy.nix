{ a = 1; b = [ 1.5 null true "s\n" ]; c.outPath = "/x"; d = { }; }
