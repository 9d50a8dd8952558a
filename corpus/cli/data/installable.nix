# Packages that can be built without a sandbox, for the sessions of nix-env that install.
let
  package = name: more: derivation ({
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    PATH = "/usr/local/bin:/usr/bin:/bin";
    outputs = [ "out" ];
    make = "for o in $outputs; do eval d=\\$$o; mkdir -p $d/bin; echo $name >$d/bin/\${prog:-\${name%%-[0-9]*}}-$o; done";
    args = [ "-c" "eval \"$make\"" ];
  } // more);
in
{
  hello1 = package "hello-1.0" { } // { meta.description = "says hello"; };
  hello2 = package "hello-2.0" { } // { meta = { description = "says hello"; nested = { a = [ 1 2.5 true "x" ]; }; }; };
  hello3 = package "hello-3.0" { } // { meta.priority = 7; };
  multi = package "multi-1.0" { outputs = [ "out" "bin" "man" ]; } // { meta.outputsToInstall = [ "bin" "man" ]; };
  whole = package "whole-1.0" { outputs = [ "out" "bin" ]; };
  clash = package "clash-1.0" { prog = "hello"; };
  low = package "low-1.0" { prog = "hello"; } // { meta.priority = 10; };
  badOutputs = package "bad-1.0" { } // { meta.outputsToInstall = [ "nope" ]; };
  fails = package "fails-1.0" { make = "echo no; exit 3"; };
  keeper = package "keeper-1.0" { } // { meta.keep = true; };
  keeper2 = package "keeper-2.0" { };
  foreign = package "foreign-1.0" { system = "other-os"; };
}
