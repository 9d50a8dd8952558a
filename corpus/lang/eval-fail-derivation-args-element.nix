(derivation { name = "n"; system = "s"; builder = "b"; args = [ { } ]; }).drvPath
