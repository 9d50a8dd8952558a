with builtins;
[
  (add 1 2) (add 1.5 1) (sub 3 5) (sub 1 0.5) (mul 3 4) (mul 2 0.25) (div 7 2) (div (-7) 2) (div 7 (-2)) (div 7.0 2)
  (lessThan 1 2) (lessThan 2 1) (lessThan 1.5 2) (lessThan "a" "b") (lessThan [ 1 ] [ 2 ])
  (bitAnd 12 10) (bitOr 12 10) (bitXor 12 10) (bitAnd (-1) 255) (bitOr (-256) 255) (bitXor (-1) 0)
  (bitAnd 9223372036854775807 (-9223372036854775807 - 1)) (bitXor 9223372036854775807 (-1))
  (ceil 1.5) (ceil (-1.5)) (ceil 2) (ceil 2.0) (ceil (-0.5)) (floor 1.5) (floor (-1.5)) (floor 2) (floor 9007199254740992.0)
  (ceil 1.0e18) (floor (-1.0e18))
]
