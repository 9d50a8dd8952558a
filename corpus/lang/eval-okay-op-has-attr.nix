let s = { a.b.c = 1; "x y" = 2; n = null; f = x: x; }; k = "b"; in
[
  (s ? a) (s ? b) (s ? a.b) (s ? a.b.c) (s ? a.b.c.d) (s ? a.z.c) (s ? "x y") (s ? "x z")
  (s ? a.${k}) (s ? ${k}) (s ? "a".${"b"}.c) (s ? n) (s ? n.x) (s ? f.x) (1 ? a) ("s" ? a)
  ((x: x) ? a) ([ ] ? a) ({ a = throw "lazy"; } ? a) (s ? a ? b) ({ or = 1; } ? or)
]
