builtins.tryEval (with { }; x)
