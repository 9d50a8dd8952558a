builtins.readFile ./data/dir/broken
