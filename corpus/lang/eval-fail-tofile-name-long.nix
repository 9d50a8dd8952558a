builtins.toFile (builtins.concatStringsSep "" (builtins.genList (x: "a") 212)) "x"
