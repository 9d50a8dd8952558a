let d = n: { type = "derivation"; outPath = n; name = n; }; in assert d "a" == d "b"; 1
