builtins.hashString null "abc"
