let a = { b = throw "only once reported"; }; in builtins.seq (builtins.tryEval a.b) a.b
