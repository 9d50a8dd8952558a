{ outPath = "/nix/store/abc"; }
