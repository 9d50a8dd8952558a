# writes: the closure of a written .drv is looked up.
# A drvPath in a string brings the whole closure of the derivation.
let
  a = derivation { name = "a"; system = "x86_64-linux"; builder = "/bin/sh"; src = ./data/src.txt; text = builtins.toFile "t" "text"; outputs = [ "out" "dev" ]; };
  b = derivation { name = "b"; system = "x86_64-linux"; builder = "/bin/sh"; inherit a; };
in
[
  (derivation { name = "deep"; system = "x86_64-linux"; builder = "/bin/sh"; x = b.drvPath; })
  (derivation { name = "shallow"; system = "x86_64-linux"; builder = "/bin/sh"; x = builtins.unsafeDiscardOutputDependency b.drvPath; })
  (derivation { name = "none"; system = "x86_64-linux"; builder = "/bin/sh"; x = builtins.unsafeDiscardStringContext b.drvPath; })
  (derivation { name = "added"; system = "x86_64-linux"; builder = "/bin/sh"; x = builtins.addDrvOutputDependencies (builtins.unsafeDiscardOutputDependency b.drvPath); })
  (derivation { name = "both"; system = "x86_64-linux"; builder = "/bin/sh"; x = "${b.drvPath} ${b}"; })
]
