import ./data/crlf-error.nix
