[
  (builtins.filterSource (path: type: true) ./data/dir) (builtins.filterSource (path: type: type != "directory") ./data/dir) (builtins.filterSource (path: type: false) ./data/hello.txt) (builtins.filterSource (path: type: baseNameOf path != "target") ./data/tree)
]
