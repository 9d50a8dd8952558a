derivation { name = "no-out"; system = "x86_64-linux"; builder = "/bin/sh"; outputs = [ "lib" "doc" ]; }
