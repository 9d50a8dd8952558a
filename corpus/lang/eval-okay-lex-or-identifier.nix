# `or` is an identifier where no selection precedes it.
let
  s = { or = 2; a.or = 3; };
in
[ s.or s.a.or (s.b or 4) (s.a.c or s.or) { or = 1; } ]
