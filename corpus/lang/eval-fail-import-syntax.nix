import ./data/import/syntax-error.nix
