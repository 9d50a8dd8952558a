let
  d = derivation { name = "n"; system = "s"; builder = "b"; x = 1; };
  m = derivation { name = "m"; system = "s"; builder = "b"; outputs = [ "bin" "out" "dev" ]; };
  p = builtins.removeAttrs;
in
[
  (builtins.attrNames d) d.name d.drvPath d.outPath d.type d.outputName d.x (d.out == d) (map (o: o.outPath) d.all) d.drvAttrs (builtins.attrNames d.drvAttrs)
  (builtins.attrNames m) m.outPath m.outputName m.bin.outPath m.out.outPath m.dev.outPath (m.dev.outputName) (map (o: o.outputName) m.all) (m.drvPath == m.dev.drvPath) (m.dev.bin.outPath == m.outPath) (m.dev.type) "${m}" "${m.dev}"
  (builtins.attrNames (builtins.derivationStrict { name = "n"; system = "s"; builder = "b"; outputs = [ "a" "b" ]; })) (builtins.derivationStrict { name = "n"; system = "s"; builder = "b"; x = 1; }) (builtins.isFunction derivation) (builtins.functionArgs derivation)
  ((derivation { }).type) ((derivation { outputs = [ "q" ]; }).outputName) (builtins.attrNames (derivation { outputs = [ "q" "r" ]; name = throw "lazy"; }))
]
