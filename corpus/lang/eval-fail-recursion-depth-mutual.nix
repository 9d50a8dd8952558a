let f = x: g x; g = x: [ (f x) ] == [ 1 ]; in f 1
