# Environment, inputs and outputs are sorted by bytes.
let d = n: derivation { name = n; system = "x86_64-linux"; builder = "/bin/sh"; }; in
derivation { name = "sorted"; system = "x86_64-linux"; builder = "/bin/sh"; B = "1"; a = "2"; _b = "3"; "é" = "4"; "a-b" = "5"; ab = "6"; deps = map d [ "z" "a" "m" "B" "_" ]; outputs = [ "zz" "out" "aa" "B" ]; }
