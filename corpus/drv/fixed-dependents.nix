# What depends on a fixed output derivation does not change with how that is fetched.
let
  f = url: derivation { name = "src"; system = "x86_64-linux"; builder = "builtin:fetchurl"; inherit url; outputHash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="; outputHashMode = "recursive"; };
  use = src: derivation { name = "use"; system = "x86_64-linux"; builder = "/bin/sh"; inherit src; };
  use2 = u: derivation { name = "use2"; system = "x86_64-linux"; builder = "/bin/sh"; inherit u; };
in
map (u: use2 (use (f u))) [ "http://a.example/" "http://b.example/" ] ++ [ (use (f "http://a.example/")) (use2 [ (use (f "http://a.example/")) (use (f "http://b.example/")) ]) ]
