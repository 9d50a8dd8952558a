(derivation { name = "n"; system = "s"; builder = "b"; z = throw "z"; a = throw "a"; }).drvPath
