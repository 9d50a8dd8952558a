builtins.path { path = ./data/hello.txt; name = 1; }
