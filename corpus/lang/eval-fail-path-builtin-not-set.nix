builtins.path ./data
