let
  d = name: a: derivation ({
    inherit name;
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" "echo $foo > $out" ];
    PATH = "/usr/bin:/bin";
  } // a);
in rec {
  a = d "a" { };
  b = d "b" { foo = a; };
  c = d "c" { foo = a; };
  e = d "e" { foo = [ b c ]; };
  says = d "says" { args = [ "-c" "echo one; echo two >&2; printf three; echo four > $out" ]; };
  cores = d "cores" { args = [ "-c" "echo $NIX_BUILD_CORES; echo > $out" ]; };
  phases = d "phases" { args = [ "-c" ''echo '@nix { "action": "setPhase", "phase": "buildPhase" }'; echo x; echo > $out'' ]; };
  bad = d "bad" { args = [ "-c" "echo oops; exit 3" ]; };
  bad2 = d "bad2" { args = [ "-c" "echo oops2; exit 4" ]; };
  needsBad = d "needs-bad" { foo = bad; };
  needsBoth = d "needs-both" { foo = [ bad bad2 ]; };
  needsNeeds = d "needs-needs" { foo = [ needsBad a ]; };
  killed = d "killed" { args = [ "-c" "kill -9 $$" ]; };
  noOutput = d "no-output" { args = [ "-c" ":" ]; };
  fixed = d "fixed" {
    outputHash = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    outputHashAlgo = "sha256";
  };
  features = d "features" { requiredSystemFeatures = [ "foo" "big-parallel" ]; };
  platform = d "platform" { system = "foo-linux"; };
  both = d "both" { system = "foo-linux"; requiredSystemFeatures = [ "foo" "bar" ]; };
  local = d "local" { preferLocalBuild = true; };
  random = d "random" { args = [ "-c" "date +%N > $out" ]; };
  idle = d "idle" { args = [ "-c" "echo a; sleep 30" ]; };
  chatty = d "chatty" { args = [ "-c" "while :; do echo x; sleep 0.3; done" ]; };
  file = derivation { name = "file"; system = "x86_64-linux"; builder = "/bin/sh"; src = ./n.nix; args = [ "-c" "echo > $out" ]; };
}
