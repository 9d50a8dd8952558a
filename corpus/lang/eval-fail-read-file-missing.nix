builtins.readFile ./data/missing
