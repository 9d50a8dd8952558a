import ./data/import/cycle-a.nix
