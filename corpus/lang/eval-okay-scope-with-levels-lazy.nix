# A set is evaluated when a name is looked up in it, the inner one first.
let v = with builtins.trace "outer" { x = 1; }; with builtins.trace "inner" { y = 2; }; [ y y x ]; in v
