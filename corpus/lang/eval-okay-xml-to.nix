builtins.toXML [
  1 (-1) 1.5 0.1 1.0e20 true false null "s" "x<&\">'y" "a\nb\tc\rd" "é" /a/b [ ] { } [ 1 [ 2 ] ] { a = 1; b.c = "d"; "x y" = null; A = 1; }
  map (map 1) (builtins.add 1)
]
