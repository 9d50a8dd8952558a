builtins.splitVersion (builtins.toFile "f" "x")
