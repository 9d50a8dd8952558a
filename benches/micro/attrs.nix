# Chains of mapAttrs, filterAttrs and listToAttrs.
n:
let
  set = builtins.listToAttrs (builtins.genList (i: { name = "k${toString i}"; value = i; }) (n * 10000));
  filterAttrs = keep: set: removeAttrs set (builtins.filter (name: !keep name set.${name}) (builtins.attrNames set));
in
builtins.foldl' (a: b: a + b) 0 (builtins.attrValues (builtins.mapAttrs (_: v: v + 1) (filterAttrs (_: v: v / 3 * 3 == v) (builtins.mapAttrs (_: v: v * 2) set))))
