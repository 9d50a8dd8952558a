let d = derivation { name = "n"; system = "s"; builder = "b"; }; in builtins.seq d.drvPath (d // { outPath = null; __toString = 1; }) 1
