builtins.splitVersion 1.0
