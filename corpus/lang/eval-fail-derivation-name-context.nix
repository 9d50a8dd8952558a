(derivation { name = builtins.toFile "a" "b"; system = "s"; builder = "b"; }).drvPath
