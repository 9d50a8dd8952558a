let t = throw "never"; in
[
  (({ a, b }: a) { a = 1; b = t; })
  ((x: 1) t)
  (({ a ? t, ... }: 1) { })
  (({ ... }: 1) { a = t; })
  ((x: y: x) 1 t)
]
