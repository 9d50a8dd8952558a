let
  a-b = 1;
  a' = 2;
  a'-b_c = 3;
  _ = 4;
  _a = 5;
  A9 = 6;
  orange = 7;
  or-else = 8;
  inherits = 9;
  in' = 10;
  a = 20;
  b = 3;
in
[ a-b a' a'-b_c _ _a A9 orange or-else inherits in' (a - b) (a -b) ]
