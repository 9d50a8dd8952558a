let s = { inherit s; l = [ s ]; }; in builtins.deepSeq s (toString s)
