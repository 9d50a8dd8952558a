# `import <nix/fetchurl.nix>`: a derivation that downloads a file without needing any tool.
let
  # The first hash that is not empty, in the order of the list.
  firstGiven =
    candidates:
    let
      candidate = builtins.head candidates;
      others = builtins.tail candidates;
    in
    if candidate.hash != "" || others == [ ] then candidate else firstGiven others;
in
{
  url,
  name ? baseNameOf (toString url),
  hash ? "",
  sha512 ? "",
  sha1 ? "",
  md5 ? "",
  sha256 ? "",
  outputHash ?
    (firstGiven [
      { inherit hash; }
      { hash = sha512; }
      { hash = sha1; }
      { hash = md5; }
      { hash = sha256; }
    ]).hash,
  outputHashAlgo ?
    (firstGiven [
      {
        inherit hash;
        algorithm = "";
      }
      {
        hash = sha512;
        algorithm = "sha512";
      }
      {
        hash = sha1;
        algorithm = "sha1";
      }
      {
        hash = md5;
        algorithm = "md5";
      }
      {
        hash = sha256;
        algorithm = "sha256";
      }
    ]).algorithm,
  executable ? false,
  unpack ? false,
  impure ? false,
  # Old callers pass it; the builder runs on every system.
  system ? "",
}:
derivation (
  {
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
  // (if impure then { __impure = true; } else { inherit outputHash outputHashAlgo; })
)
