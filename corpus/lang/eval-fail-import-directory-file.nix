import ./data/hello.txt/default.nix
