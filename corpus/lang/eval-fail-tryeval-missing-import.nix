builtins.tryEval (import ./nonexistent.nix)
