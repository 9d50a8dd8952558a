let a = "A"; n = { x = "X"; }; f = x: "<${x}>"; in
[
  "${a}"
  "x${a}y${a}z"
  "${"${"${a}"}"}"
  "${f "q"}"
  "${n.x}${n.y or "none"}"
  "${let b = a; in b}"
  "a${""}b"
  "${{ a = "in set"; }.a}"
  "${a + a}"
  ("${a}" == a)
]
