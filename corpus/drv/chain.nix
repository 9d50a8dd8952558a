let
  d = name: deps: derivation { inherit name deps; system = "x86_64-linux"; builder = "/bin/sh"; };
  a = d "a" [ ]; b = d "b" [ a ]; c = d "c" [ a b ]; e = d "e" [ c a c ];
in
d "top" [ e b ]
