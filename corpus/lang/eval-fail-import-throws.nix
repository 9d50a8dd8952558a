(import ./data/import/throws.nix).a
