let
  d = derivation { name = "d"; system = "s"; builder = "b"; };
  f = builtins.toFile "f" "text";
  drv = builtins.unsafeDiscardStringContext d.drvPath;
  c = builtins.getContext;
in
[
  (c (builtins.appendContext "x" { })) (c (builtins.appendContext "x" { ${builtins.unsafeDiscardStringContext f}.path = true; })) (c (builtins.appendContext "x" { ${drv}.outputs = [ "out" ]; })) (c (builtins.appendContext "x" { ${drv}.allOutputs = true; }))
  (c (builtins.appendContext f (c d.drvPath))) (c (builtins.appendContext "x" { ${drv} = { }; })) (c (builtins.appendContext "x" { ${drv} = { outputs = [ "dev" "out" ]; allOutputs = true; path = true; }; })) (c (builtins.appendContext "x" { ${drv} = { path = false; allOutputs = false; outputs = [ ]; }; }))
  (builtins.appendContext "x" { })
]
