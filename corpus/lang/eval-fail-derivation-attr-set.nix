(derivation { name = "n"; system = "s"; builder = "b"; f = { a = 1; }; }).drvPath
