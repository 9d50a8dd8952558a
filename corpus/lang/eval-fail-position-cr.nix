import ./data/cr-error.nix
