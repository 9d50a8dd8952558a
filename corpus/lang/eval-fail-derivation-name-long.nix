(derivation { name = builtins.concatStringsSep "" (builtins.genList (x: "a") 208); system = "s"; builder = "b"; }).drvPath
