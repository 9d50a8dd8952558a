# `//` again and again on a big set.
n:
let
  set = builtins.listToAttrs (builtins.genList (i: { name = "k${toString i}"; value = i; }) (n * 5000));
in
builtins.length (builtins.attrNames (builtins.foldl' (a: i: a // { "x${toString i}" = i; }) set (builtins.genList (x: x) (n * 250))))
