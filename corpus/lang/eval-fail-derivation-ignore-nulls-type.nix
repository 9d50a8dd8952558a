(derivation { name = "n"; system = "s"; builder = "b"; __ignoreNulls = 1; }).drvPath
