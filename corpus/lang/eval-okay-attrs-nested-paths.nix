[
  { a.b = 1; a.c = 2; }
  { a = { b = 1; }; a.c = 2; }
  { a.b = 1; a = { c = 2; }; }
  { a.b.c = 1; a.b.d = 2; a.e = 3; b.a = 4; }
  { a = rec { x = 1; }; a.z = x; }.a or "no"
  { a = rec { x = 1; y = x; }; a.z = 2; }
  { "a b".c = 1; "a b"."d e" = 2; }
  { a = { b.c = 1; }; a.b.d = 2; }
  { a."b" = 1; a.${"c"} = 2; }
]
