builtins.convertHash { hash = "d41d8cd9"; hashAlgo = "md5"; toHashFormat = "sri"; }
