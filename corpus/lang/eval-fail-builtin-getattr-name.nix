builtins.getAttr null { a = 1; }
