(import ./data/crlf.nix)
