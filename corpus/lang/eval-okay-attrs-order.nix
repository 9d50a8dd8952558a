let s = { b = 1; a = 2; B = 3; _z = 4; "1" = 5; aa = 6; "a b" = 7; "" = 8; "é" = 9; a-b = 10; a' = 11; }; in
[ s (builtins.attrNames s) (builtins.attrValues s) ]
