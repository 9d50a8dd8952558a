[
  ([ ] ++ [ ])
  ([ 1 ] ++ [ ])
  ([ ] ++ [ 1 ])
  ([ 1 ] ++ [ 2 ] ++ [ 3 4 ] ++ [ ] ++ [ 5 ])
  (builtins.length ([ (throw "lazy") ] ++ [ (throw "lazy") ]))
  (builtins.elemAt ([ 1 (throw "lazy") ] ++ [ 3 ]) 2)
]
