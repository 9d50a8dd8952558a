# What the experimental features add.
builtins.filter (n: ! builtins.elem n [ "a" ]) (builtins.attrNames (builtins.intersectAttrs { fetchTree = 1; fetchClosure = 1; outputOf = 1; } builtins))
