(derivation { name = "n"; system = null; builder = "b"; }).drvPath
