# The derivation of a user environment: for each package whether it is active, its priority, how many outputs there are,
# and their paths, all in one list of words for builtin:buildenv. Other implementations build the same derivation.
{ manifest, packages }:
let
  words = package:
    let
      outputs = map (name: package.${name}) package.outputs;
    in
    [ (package.meta.active or "true") (package.meta.priority or 5) (builtins.length outputs) ] ++ outputs;
in
derivation {
  name = "user-environment";
  system = "builtin";
  builder = "builtin:buildenv";
  inherit manifest;
  derivations = map words packages;
  # Only links are made: neither another machine nor a cache can do that faster.
  preferLocalBuild = true;
  allowSubstitutes = false;
}
