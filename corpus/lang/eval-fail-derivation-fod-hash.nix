(derivation { name = "n"; system = "s"; builder = "b"; outputHash = "xyz"; outputHashAlgo = "sha256"; }).drvPath
