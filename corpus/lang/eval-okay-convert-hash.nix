let
  c = hash: toHashFormat: rest: builtins.convertHash ({ inherit hash toHashFormat; } // rest);
  h = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  sri = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  all = hash: rest: map (f: c hash f rest) [ "base16" "nix32" "base32" "base64" "sri" ];
in
[
  (all h { hashAlgo = "sha256"; })
  (all sri { })
  (all sri { hashAlgo = "sha256"; })
  (all "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73" { hashAlgo = "sha256"; })
  (all "sha256:${h}" { })
  (all "d41d8cd98f00b204e9800998ecf8427e" { hashAlgo = "md5"; })
  (all "da39a3ee5e6b4b0d3255bfef95601890afd80709" { hashAlgo = "sha1"; })
  (all "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==" { })
]
