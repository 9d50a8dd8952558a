builtins.trace "imported once" { a = 1; }
