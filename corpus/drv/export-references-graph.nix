# writes: the closure of a written .drv is looked up.
let
  a = derivation { name = "a"; system = "x86_64-linux"; builder = "/bin/sh"; src = ./data/src.txt; };
  b = derivation { name = "b"; system = "x86_64-linux"; builder = "/bin/sh"; inherit a; };
in
[
  (derivation { name = "graph"; system = "x86_64-linux"; builder = "/bin/sh"; exportReferencesGraph = [ "g" b ]; })
  (derivation { name = "graphs"; system = "x86_64-linux"; builder = "/bin/sh"; exportReferencesGraph = [ "g" b "h" a.drvPath ]; })
]
