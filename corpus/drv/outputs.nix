let d = derivation { name = "multi-1.0"; system = "x86_64-linux"; builder = "/bin/sh"; outputs = [ "out" "dev" "bin" ]; }; in
[ d d.dev (derivation { name = "user"; system = "x86_64-linux"; builder = "${d.bin}/bin/sh"; args = [ d.out d.dev ]; all = d.all; lib = "${d.dev}/lib"; }) ]
