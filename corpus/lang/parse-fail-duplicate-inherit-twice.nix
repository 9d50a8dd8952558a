x: { inherit (x) a b a; }
