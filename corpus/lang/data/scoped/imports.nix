import ./uses.nix
