# Bytes that are no UTF-8 go through unchanged.
derivation { name = "n"; system = "x86_64-linux"; builder = "/bin/sh"; x = builtins.readFile ./data/latin1.txt; }
