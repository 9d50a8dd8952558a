let s = { inherit (1 + "x") a; }; in s.a
