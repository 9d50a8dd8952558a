# The right operand comes first.
builtins.attrNames (builtins.trace "left" { a = 1; } // builtins.trace "right" { b = 1; })
