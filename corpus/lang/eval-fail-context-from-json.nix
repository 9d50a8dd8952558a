builtins.fromJSON (builtins.toJSON (builtins.toFile "f" "x"))
