builtins.genericClosure { startSet = [ { key = x: x; } { key = 1; } ]; operator = x: [ ]; }
