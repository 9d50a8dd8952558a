builtins.break (throw "inner")
