let s = scopedImport; in
[
  (s { x = 1; y = a: a + 1; } ./data/scoped/uses.nix) (s { x = "other"; y = a: "b"; } ./data/scoped/uses.nix) (s { x = 1; y = a: a; } ./data/scoped/passes.nix) (s { map = 1; true = "t"; } ./data/scoped/shadow.nix) (s { } ./data/scoped/shadow.nix).true (s { x = builtins.trace "forced" 1; y = a: 1; } ./data/scoped/uses.nix == null)
]
