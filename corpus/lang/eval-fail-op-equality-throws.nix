{ a = 1; b = throw "b"; } == { a = 1; b = 2; }
