[
  x:x
  http://example.org/a?b=c&d=%20
  mailto:a@b.c
  a+b.c-d:e,f!g~h*i'j
  git+ssh://x
  ((x: x) 1)
  ((x :x) 2)
]
