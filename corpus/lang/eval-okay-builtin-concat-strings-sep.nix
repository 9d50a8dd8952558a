with builtins;
[
  (concatStringsSep ", " [ "a" "b" "c" ]) (concatStringsSep "" [ "a" "b" ]) (concatStringsSep "x" [ ]) (concatStringsSep "x" [ "a" ])
  (concatStringsSep "/" [ "" "" ]) (concatStringsSep " " [ "a" { outPath = "/b"; } { __toString = s: "c"; } ])
]
