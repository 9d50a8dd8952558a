builtins.substring (-1) 0 { }
