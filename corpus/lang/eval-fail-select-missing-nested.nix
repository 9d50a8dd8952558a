let s = { a.bcd = 1; }; in s.a.bce
