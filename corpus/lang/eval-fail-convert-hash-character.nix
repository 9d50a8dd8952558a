builtins.convertHash { hash = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"; hashAlgo = "md5"; toHashFormat = "base16"; }
