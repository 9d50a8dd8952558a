let s = { a = 1; self = s; l = [ s s ]; }; in s
