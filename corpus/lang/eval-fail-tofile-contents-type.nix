builtins.toFile "a" [ ]
