# Packages and a standard environment in the manner of nixpkgs, as small as may be.
{ system ? "x86_64-linux", ... }@args:
let
  tool = name: attrs: derivation ({
    inherit name system;
    builder = "/bin/sh";
    PATH = "/usr/bin:/bin";
    args = [ "-c" "mkdir -p $out/bin; printf '#! /bin/sh\necho tool-${name}\n' > $out/bin/${name}; chmod +x $out/bin/${name}" ];
  } // attrs);
  setup = builtins.toFile "setup" ''
    runHook() { local hook=$1; eval "''${!hook}"; }
    export PATH=
    for i in $buildInputs; do PATH=$PATH''${PATH:+:}$i/bin; done
    export FROM_SETUP=yes
    exitHooks=()
    failureHooks=()
  '';
  stdenv = derivation {
    name = "stdenv";
    inherit system setup;
    builder = "/bin/sh";
    PATH = "/usr/bin:/bin";
    args = [ "-c" "mkdir $out; cp $setup $out/setup" ];
  };
  self = {
    inherit stdenv;
    pkgs = self;
    hello = tool "hello" { };
    other = tool "other" { };
    bashInteractive = tool "bash" { args = [ "-c" "mkdir -p $out/bin; ln -s /bin/bash $out/bin/bash" ]; };
    runCommandCC = name: attrs: text: derivation ({
      inherit name system stdenv;
      builder = "/bin/sh";
      args = [ "-c" text ];
    } // attrs);
    shell = self.runCommandCC "my-shell" {
      buildInputs = [ self.hello ];
      shellHook = "echo from-hook";
      FOO = "bar baz";
      big = "some text";
      passAsFile = [ "big" ];
    } "";
    structured = self.runCommandCC "my-shell" {
      __structuredAttrs = true;
      list = [ 1 "two" ];
      FOO = "bar";
    } "";
  };
in self
