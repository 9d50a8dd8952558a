builtins.path { path = ./data/nonexistent; }
