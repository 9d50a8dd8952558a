scopedImport 1 ./data/scoped/uses.nix
