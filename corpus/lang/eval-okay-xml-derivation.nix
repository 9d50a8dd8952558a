let
  d = derivation { name = "n"; system = "s"; builder = "b"; x = [ "y" ]; };
  fake = { type = "derivation"; drvPath = "/d.drv"; outPath = "/o"; a = 1; };
in
builtins.toXML [ d.drvAttrs fake fake (builtins.removeAttrs d [ "all" "out" ]) { type = "derivation"; b = 1; } ]
