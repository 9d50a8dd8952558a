builtins.readFileType ./data/missing
