let
  f = builtins.toFile "f" "text";
  g = builtins.toFile "g" "text";
  n = s: builtins.length (builtins.attrNames (builtins.getContext s));
in
[
  (n (builtins.substring 0 0 f)) (n (builtins.substring 5 3 f)) (n (builtins.concatStringsSep f [ ])) (n (builtins.concatStringsSep f [ "a" ])) (n (builtins.concatStringsSep f [ "a" "b" ])) (n (builtins.concatStringsSep "," [ f g ]))
  (n (builtins.replaceStrings [ "a" ] [ f ] "bbb")) (n (builtins.replaceStrings [ "a" ] [ f ] "bab")) (n (builtins.replaceStrings [ "a" ] [ "b" ] f)) (n (builtins.replaceStrings [ f ] [ "x" ] "abc")) (n (builtins.replaceStrings [ f ] [ "x" ] f))
  (map n (builtins.match "(.*)" f)) (n (builtins.head (builtins.split "x" f))) (n (builtins.toJSON { a = f; b = [ g ]; })) (n (toString [ f g ])) (n (toString f)) (n (baseNameOf f)) (n (dirOf f)) (n (builtins.hashString "md5" f))
  (n "${f}${g}") (n (f + g)) (n ("" + f)) (n (builtins.toXML f)) (n (builtins.concatStringsSep "" [ "" f ]))
  (n (builtins.toFile "h" "uses ${f} and ${g}")) (n (builtins.unsafeDiscardStringContext f)) (n (builtins.getEnv "HOME")) (n (toString { outPath = f; })) (n "${{ __toString = s: f; }}") (f == builtins.unsafeDiscardStringContext f) (n (builtins.typeOf f))
  (n (builtins.path { path = ./data/hello.txt; })) (n "${./data/hello.txt}") (builtins.stringLength f > 40) (builtins.attrNames { "${builtins.unsafeDiscardStringContext "a"}" = 1; })
]
