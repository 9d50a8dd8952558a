derivation { name = "n"; system = "x86_64-linux"; builder = "/bin/sh"; __structuredAttrs = false; a = 1; }
