(derivation { name = "n"; system = "s"; builder = "b"; exportReferencesGraph = [ "a" ]; }).drvPath
