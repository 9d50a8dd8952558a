builtins.readDir ./data/missing
