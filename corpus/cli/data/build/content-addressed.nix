let
  script = name: text: args: derivation ({
    inherit name;
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" text ];
    PATH = "/usr/bin:/bin";
  } // args);
  addressed = name: text: args: script name text ({
    __contentAddressed = true;
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
  } // args);
  baseText = "mkdir $out; echo hello > $out/file; echo $out > $out/self";
  libOf = base: addressed "lib" "mkdir $out $dev; echo $base $out > $out/paths; echo $out > $dev/out" {
    inherit base;
    outputs = [ "out" "dev" ];
  };
  topOf = lib: addressed "top" "cat $lib/paths > $out; echo $dev >> $out" { inherit lib; inherit (lib) dev; };
in rec {
  base = addressed "base" baseText { };
  lib = libOf base;
  # Known by their inputs, but not before these are built.
  usual = script "usual" "mkdir $out; echo $lib $dev $out > $out/paths" { inherit lib; inherit (lib) dev; };
  top = topOf lib;
  # Built otherwise, with the same result: what needs it is not built again.
  otherBase = addressed "base" (baseText + "; echo otherwise") { };
  otherTop = topOf (libOf otherBase);

  failing = addressed "failing" "echo about to fail; exit 3" { inherit base; };
  circle = addressed "circle" "echo $b > $a; echo $a > $b" { outputs = [ "a" "b" ]; };
  pureOfImpure = script "pure" "echo $impure > $out" {
    impure = script "impure" "date > $out" { __impure = true; };
  };
}
