let d = derivation { name = "n"; system = "x86_64-linux"; builder = "/bin/sh"; outputs = [ "out" "dev" "man" ]; }; in
derivation { name = "user"; system = "x86_64-linux"; builder = "/bin/sh"; a = [ d d.man d.out ]; b = "${d.man}${d}"; }
