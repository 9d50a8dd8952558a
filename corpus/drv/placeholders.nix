derivation { name = "n"; system = "x86_64-linux"; builder = "/bin/sh"; outputs = [ "out" "dev" ]; x = placeholder "out"; args = [ (placeholder "dev") ]; }
