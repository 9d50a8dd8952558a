builtins.addErrorContext "while testing" (throw "x")
