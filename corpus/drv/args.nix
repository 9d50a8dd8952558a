derivation {
  name = "args"; system = "x86_64-linux"; builder = "/bin/sh";
  args = [ "-c" "echo \"hi\"\n\t\\$out" 1 2.5 true false null [ "a" [ "b" ] ] ./data/builder.sh ];
}
