(derivation {
  z = builtins.trace "z" "1"; b = builtins.trace "b" 1; builder = builtins.trace "builder" "b"; args = builtins.trace "args" [ (builtins.trace "arg" "x") ]; system = builtins.trace "system" "s"; name = builtins.trace "name" "n"; outputs = builtins.trace "outputs" [ (builtins.trace "output" "out") ]; a = builtins.trace "a" null;
}).drvPath
