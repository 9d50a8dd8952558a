(derivation { name = "n"; system = "s"; builder = "b"; l = [ 1 { } ]; }).drvPath
