(derivation { name = "n"; system = "s"; builder = "b"; __structuredAttrs = "yes"; }).drvPath
