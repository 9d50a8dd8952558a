# The expressions that the .drv files beside this one come from. Instantiated by C++ Nix 2.34.8 with
# the experimental features ca-derivations, dynamic-derivations and impure-derivations:
# nix-instantiate --store <somewhere> drvs.nix
let
  make = attrs: derivation ({ system = "x86_64-linux"; builder = "/bin/sh"; } // attrs);
  dep = derivation { name = "dep"; system = "x86_64-linux"; builder = "/bin/sh"; };
  source = builtins.toFile "source" "some text\n";
in
rec {
  inherit dep;
  escapes = make {
    name = "escapes";
    args = [ "-c" "echo \"a\\b\"\n\t\r\${x} é" "" ];
    text = "quote \" backslash \\ newline \n return \r tab \t end";
    "odd name \"" = 1;
  };
  fixed = make {
    name = "fixed";
    outputHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    outputHashAlgo = "sha256";
    url = "a";
  };
  fixedOther = make {
    name = "fixed";
    outputHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    outputHashAlgo = "sha256";
    url = "b";
  };
  fixedRecursive = make {
    name = "fixed-recursive";
    outputHash = "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
    outputHashMode = "recursive";
  };
  several = make {
    name = "several-1.0";
    outputs = [ "out" "dev" "doc" ];
    inputs = [ dep source fixed fixedOther fixedRecursive ];
  };
  top = make {
    name = "top";
    inputs = [ several.dev several.doc escapes ];
    deep = builtins.unsafeDiscardOutputDependency several.drvPath;
  };
  structured = make {
    name = "structured";
    __structuredAttrs = true;
    numbers = [ 1 2.5 null true ];
    inputs = [ top ];
  };
  floating = make {
    name = "floating";
    __contentAddressed = true;
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
    outputs = [ "out" "lib" ];
  };
  deferred = make {
    name = "deferred";
    input = floating.lib;
  };
  impure = make {
    name = "impure";
    __impure = true;
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
  };
  producing = make {
    name = "producing.drv";
    __contentAddressed = true;
    outputHashMode = "text";
    outputHashAlgo = "sha256";
  };
  dynamic = make {
    name = "dynamic";
    input = builtins.outputOf producing.outPath "out";
  };
}
