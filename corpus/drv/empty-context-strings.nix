derivation { name = "n"; system = "x86_64-linux"; builder = "/bin/sh"; x = builtins.substring 0 0 "${derivation { name = "dep"; system = "x86_64-linux"; builder = "/bin/sh"; }}"; }
