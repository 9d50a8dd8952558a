let
  vs = [ "" "0" "1" "1.0" "1.0.0" "1.1" "1.10" "1.9" "1.0pre" "1.0pre1" "1.0rc1" "1.0a" "1.a" "2" "2.3-1" "2.3.1" "a" "pre" "1.pre" "1..0" "01" "1-1" "10000000000000000000" "9" "1.0-é" ];
in
map (a: builtins.concatStringsSep "" (map (b: let c = builtins.compareVersions a b; in if c < 0 then "<" else if c > 0 then ">" else "=") vs)) vs
