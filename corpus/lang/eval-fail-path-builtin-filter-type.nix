builtins.path { path = ./data/dir; filter = 1; }
