let
  d = name: deps: derivation { inherit name deps; system = "x86_64-linux"; builder = "/bin/sh"; };
  base = d "base" [ ];
in
d "top" (map (n: d "layer-${toString n}" [ base ]) (builtins.genList (n: n) 12))
