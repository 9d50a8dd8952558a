with builtins;
let l = [ 1 2 3 ]; t = throw "never"; in
[
  (length [ ]) (length l) (length [ t t ]) (head l) (head [ 1 t ]) (tail l) (tail [ 1 ]) (length (tail [ t t ]))
  (elemAt l 0) (elemAt l 2) (elemAt [ t 2 ] 1) (elem 2 l) (elem 5 l) (elem 1.0 l) (elem [ 1 ] [ [ 1 ] ]) (elem 1 [ ])
  (elem 1 [ 1 t ]) (elem { a = 1; } [ { a = 1; } ])
  (genList (x: x * x) 5) (genList (x: x) 0) (length (genList (x: t) 3)) (genList (x: t) 0)
  (concatLists [ ]) (concatLists [ [ 1 ] [ ] [ 2 3 ] [ [ 4 ] ] ]) (concatLists [ [ ] l [ ] ])
  (concatMap (x: [ x x ]) l) (concatMap (x: [ ]) l) 
  (map (x: x + 1) l) (length (map (x: t) [ 1 2 ])) (filter (x: x > 1) l) (filter (x: false) l) (filter (x: true) l)
  (foldl' (a: b: a + b) 0 l) (foldl' (a: b: [ b ] ++ a) [ ] l) (foldl' (a: b: b) (throw "nul") [ 1 ])
  (all (x: x > 0) l) (all (x: x > 1) l) (any (x: x > 2) l) (any (x: x > 5) l) 
  (all (x: x < 2) [ 1 2 t ]) (any (x: x == 2) [ 1 2 t ])
  (partition (x: x > 1) l) (groupBy (x: if x > 1 then "big" else "small") l) 
  (sort lessThan [ 3 1 2 ]) (sort (a: b: a > b) l) (sort lessThan [ "b" "a" "" ])
]
