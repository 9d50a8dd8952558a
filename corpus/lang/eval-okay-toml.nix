builtins.fromTOML ''
  # comment
  title = "TOML"
  int = 42
  neg = -17
  hex = 0xff
  oct = 0o17
  bin = 0b101
  under = 1_000_000
  f1 = 1.5
  f2 = 1e3
  f3 = -0.01
  f4 = 1_0.5
  t = true
  f = false
  empty = ""
  esc = "a\tb\n\"q\" \\ \u00e9 \U0001F600"
  lit = 'C:\path\n'
  multi = """
  one
  two \
     joined"""
  mlit = ${"'''"}
  raw \n
  text${"'''"}
  arr = [ 1, 2, 3 ]
  nested = [ [ 1, 2 ], [ "a" ] ]
  mixed = [ 1, "a", 1.5, { x = 1 } ]
  trailing = [ 1, 2, ]
  inline = { a = 1, b.c = 2 }
  dotted.key.path = 1
  "quoted key" = 1
  'lit.key' = 2
  bare-key_1 = 3
  1234 = "digits"

  [table]
  a = 1
  [table.sub]
  b = 2
  [a."b.c".d]
  e = 1
  [[array]]
  n = 1
  [[array]]
  n = 2
  [array.sub]
  x = 1
  [[array.inner]]
  y = 1
''
