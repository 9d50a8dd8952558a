builtins.attrNames (
  builtins.trace "1" { a = 1; } // builtins.trace "2" { b = 1; } // builtins.trace "3" { c = 1; }
)
