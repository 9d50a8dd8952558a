let
  d = derivation { name = "d"; system = "s"; builder = "b"; outputs = [ "out" "dev" ]; };
  f = builtins.toFile "f" "text";
  c = s: builtins.getContext s;
in
[
  (c "") (c "plain") (c f) (c "${f}") (c "${d}") (c d.drvPath) (c d.outPath) (c d.dev.outPath) (c "${d.dev}") (c "${d}${d.dev}${f}${d.drvPath}")
  (c (f + "x")) (c ("a" + d)) (c "${./data/hello.txt}") (c (toString ./data/hello.txt)) (c (builtins.unsafeDiscardStringContext d.drvPath))
  (c (builtins.unsafeDiscardOutputDependency d.drvPath)) (c (builtins.addDrvOutputDependencies (builtins.unsafeDiscardOutputDependency d.drvPath)))
  (c (builtins.addDrvOutputDependencies d.drvPath))
  (map builtins.hasContext [ "" "a" f "${d}" d.drvPath (builtins.unsafeDiscardStringContext f) ])
]
