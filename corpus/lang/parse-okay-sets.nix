x: y: [
  { } rec { } { a = 1; b.c = 2; b.d = 3; } rec { z = 1; a = z; } { inherit x y; } { inherit (x) a b; inherit (y) c; } { "a b" = 1; ${x} = 2; "${x}b" = 3; a.${y}.c = 4; "if" = 5; } { z = 1; a = 2; m = 3; inherit x; } (rec { inherit x; a = x; }) { a = { b = 1; }; a.c = 2; }
]
