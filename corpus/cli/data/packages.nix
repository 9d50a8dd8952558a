# A small tree of packages for the sessions of nix-env. What they are made of is not built.
{ system ? "x86_64-linux", extra ? null }:
let
  package = name: more: derivation ({ inherit name system; builder = "/bin/sh"; args = [ "-c" "echo $name > $out" ]; } // more);
in
{
  hello = package "hello-1.0" { } // { meta = { description = "says hello"; priority = 3; }; };
  hello2 = package "hello-2.0" { };
  again = package "hello-2.0" { again = true; };
  arm = package "hello-3.0" { system = "aarch64-linux"; };
  multi = package "multi-1.0" { outputs = [ "out" "dev" "bin" ]; } // {
    meta = {
      outputsToInstall = [ "bin" ];
      list = [ "x" 1 ];
      set = { url = "u"; n = 1; };
      function = x: x;
      nothing = null;
      float = 1.5;
      int = 12;
      yes = true;
      nested = [ [ "a" ] { a.b = 1; } ];
      text = "<&\"\n>";
    };
  };
  # These two are left out; the third only where its path is asked for.
  broken = throw "broken";
  asserts = assert false; 1;
  late = package "late-1.0" { x = throw "late"; };
  sub = { recurseForDerivations = true; inner = package "inner-1" { }; upper = package "Inner-pre1" { }; };
  noSub = { inner = package "nosub" { }; };
  list = [ (package "in-a-list" { }) ];
  "not a name" = package "not-a-name" { };
  function = { }: package "function" { };
  same = package "hello-1.0" { } // { meta = { }; };
  ${extra} = { recurseForDerivations = true; failing = abort "no"; ok = package "ok-1" { }; };
}
