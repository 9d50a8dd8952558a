# Strings that are put together, replaced in, split and matched.
n:
let
  text = builtins.concatStringsSep "," (map toString (builtins.genList (x: x) (n * 50000)));
  replaced = builtins.replaceStrings [ "1" "23" "," ] [ "one" "" "; " ] text;
  matches = builtins.filter (x: builtins.match "([0-9]+)7" (toString x) != null) (builtins.genList (x: x) (n * 5000));
in
builtins.stringLength replaced + builtins.length (builtins.split "," text) + builtins.length matches
