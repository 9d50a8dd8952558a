with builtins;
map (a: [ (hashString a "") (hashString a "abc") (hashString a "é\n") ]) [ "md5" "sha1" "sha256" "sha512" ]
