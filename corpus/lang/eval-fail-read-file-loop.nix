builtins.readFile ./data/loop-a
