[ builtins.add (builtins.add 1) map (map 1) builtins.foldl' (builtins.substring 1 2) derivation import ]
