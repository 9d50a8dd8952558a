# Elements after the first difference are not evaluated.
[
  ([ 1 (throw "not reached") ] < [ 2 (throw "not reached") ])
  ([ { a = 1; } 1 ] < [ { a = 1; } 2 ])
  ([ null 1 ] < [ null 2 ])
  ([ ] < [ (throw "not reached") ])
]
