map (n: derivation { name = "n"; system = "x86_64-linux"; builder = "/bin/sh"; __structuredAttrs = true; __ignoreNulls = n; a = null; b.c = null; }) [ true false ]
