builtins.length (builtins.genList 1 3)
