builtins.path { path = ./data/dir; recursive = false; }
