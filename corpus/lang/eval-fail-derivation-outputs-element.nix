(derivation { name = "n"; system = "s"; builder = "b"; outputs = [ 1 ]; }).drvPath
