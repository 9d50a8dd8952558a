let d = derivation { name = "n"; system = "s"; builder = "b"; __contentAddressed = true; outputs = [ "out" "dev" ]; outputHashAlgo = "sha256"; outputHashMode = "recursive"; }; e = derivation { name = "e"; system = "s"; builder = "b"; inherit d; }; in
[ d.drvPath d.outPath d.dev.outPath e.drvPath e.outPath (builtins.getContext "${d}") ]
