derivation {
  name = "sources"; system = "x86_64-linux"; builder = "/bin/sh";
  a = ./data/src.txt; b = "${./data/dir}"; c = "x ${./data/dir}/y"; d = builtins.path { path = ./data/dir; name = "renamed"; }; e = builtins.filterSource (p: t: t == "directory") ./data/dir; f = builtins.toFile "f" "uses ${./data/src.txt}"; g = builtins.path { path = ./data/src.txt; recursive = false; }; h = [ ./data/src.txt ./data/builder.sh ];
}
