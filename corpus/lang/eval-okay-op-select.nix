let s = { a.b.c = 1; "x y" = 2; l = [ { m = 3; } ]; }; k = "b"; in
[
  s.a.b.c s."x y" s."${"a"}".${k}.c s.a.${k} (s).a (s.a).b
  (s.z or 1) (s.a.z or 2) (s.a.b.c.d or 3) (s.z.y.x or 4) (s.a.b.c or 5) ({ }.a or { }.b or 6)
  ((s.z or s).a.b.c) (s.l.m or 7) ({ a = null; }.a or 8) ({ a = 1; }.a.b or "d")
  (s."z" or [ ]) (s.${"z" + "y"} or 9)
  (let f = x: x; in f s.a.b.c) (let f = x: y: [ x y ]; in f s.q or 1 s.a.b.c)
  ((1).a or 2) ("x".y or 3)
]
