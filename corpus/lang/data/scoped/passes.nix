scopedImport { inherit x y; } ./uses.nix
