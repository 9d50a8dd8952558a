(derivation { name = "n"; system = "s"; builder = "b"; src = ./data/missing; }).drvPath
