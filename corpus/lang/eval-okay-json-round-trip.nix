let v = { a = [ 1 2.5 null true "s" { } [ ] ]; b.c.d = "x"; }; in builtins.fromJSON (builtins.toJSON v) == v
