(derivation { name = "n"; system = "s"; builder = "b"; __contentAddressed = true; __impure = true; }).drvPath
