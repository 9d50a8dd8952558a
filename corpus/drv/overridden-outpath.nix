# toString and interpolation of a set with outPath, as nixpkgs' overrides do.
let d = derivation { name = "n"; system = "x86_64-linux"; builder = "/bin/sh"; outputs = [ "out" "dev" ]; }; in
derivation { name = "user"; system = "x86_64-linux"; builder = "/bin/sh"; a = d // { outPath = d.dev; }; b = toString d.dev; c = d // { __toString = self: "${self.dev}/sub"; }; }
