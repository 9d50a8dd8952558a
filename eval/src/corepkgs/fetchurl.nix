# `import <nix/fetchurl.nix>`: a derivation that downloads a file without needing any tool.
{
  url,
  name ? baseNameOf (toString url),
  hash ? "",
  sha512 ? "",
  sha1 ? "",
  md5 ? "",
  sha256 ? "",
  outputHash ? given.hash,
  outputHashAlgo ? given.algorithm,
  executable ? false,
  unpack ? false,
  impure ? false,
  # Old callers pass it; the builder runs on every system.
  system ? "",
}:
let
  ofAlgorithm = algorithm: hash: { inherit algorithm hash; };

  # The first hash that is not empty, in the order of the list.
  firstGiven =
    candidates:
    let
      candidate = builtins.head candidates;
      others = builtins.tail candidates;
    in
    if candidate.hash != "" || others == [ ] then candidate else firstGiven others;

  given = firstGiven [
    (ofAlgorithm "" hash)
    (ofAlgorithm "sha512" sha512)
    (ofAlgorithm "sha1" sha1)
    (ofAlgorithm "md5" md5)
    (ofAlgorithm "sha256" sha256)
  ];

  fixed = if impure then { __impure = true; } else { inherit outputHash outputHashAlgo; };
in
derivation (
  fixed
  // {
    inherit
      name
      url
      executable
      unpack
      ;
    urls = [ url ];
    builder = "builtin:fetchurl";
    system = "builtin";
    outputHashMode = if executable || unpack then "recursive" else "flat";
    # A download gains nothing from another machine.
    preferLocalBuild = true;
    # Without effect on this builder, but part of the hash since ever.
    impureEnvVars = [
      "http_proxy"
      "https_proxy"
      "ftp_proxy"
      "all_proxy"
      "no_proxy"
    ];
  }
)
