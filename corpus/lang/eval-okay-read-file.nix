[
  (builtins.readFile ./data/hello.txt) (builtins.readFile ./data/empty) (builtins.readFile ./data/crlf.txt) (builtins.readFile (toString ./data/hello.txt)) (builtins.readFile ./data/dir/up) (builtins.stringLength (builtins.readFile ./data/latin1.txt)) (builtins.hasContext (builtins.readFile ./data/hello.txt)) (builtins.readFile { outPath = toString ./data/hello.txt; })
]
