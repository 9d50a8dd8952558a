(import ./data/import/fn.nix) 1 "x"
