builtins.pathExists "${derivation { name = "n"; system = "s"; builder = "b"; }}/x"
