builtins.toFile "x" (derivation { name = "n"; system = "s"; builder = "b"; }).drvPath
