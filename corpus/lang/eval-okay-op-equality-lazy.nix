let t = throw "never"; in
[
  ({ a = t; } == { })
  ([ t ] == [ ])
  ([ 1 t ] == [ 2 t ])
  (1 == { a = t; })
  ([ t ] == [ t t ])
]
