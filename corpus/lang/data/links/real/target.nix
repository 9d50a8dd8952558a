{ here = ./.; sibling = import ./sibling.nix; file = __curPos.file; }
