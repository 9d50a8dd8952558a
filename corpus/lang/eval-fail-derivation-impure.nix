(derivation { name = "n"; system = "s"; builder = "b"; __impure = true; }).drvPath
