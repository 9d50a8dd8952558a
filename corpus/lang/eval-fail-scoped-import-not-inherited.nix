# The scope does not reach files imported by the file.
scopedImport { x = 1; y = a: a; } ./data/scoped/imports.nix
