builtins.fromJSON { }
