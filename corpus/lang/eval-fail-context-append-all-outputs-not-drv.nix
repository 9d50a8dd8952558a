builtins.appendContext "x" { ${builtins.unsafeDiscardStringContext (builtins.toFile "f" "x")} = { allOutputs = true; }; }
