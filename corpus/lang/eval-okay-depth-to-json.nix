# As deep as a limit of 100 allows.
let f = n: if n == 0 then [ ] else [ (f (n - 1)) ]; in builtins.stringLength (builtins.toJSON (f 95))
