builtins.path { path = ./data/dir; filter = path: type: 1; }
