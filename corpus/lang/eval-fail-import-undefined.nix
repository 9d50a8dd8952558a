import ./data/import/undefined.nix
