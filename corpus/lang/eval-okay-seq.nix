let t = throw "never"; in
[
  (builtins.seq 1 2)
  (builtins.seq { a = t; } 2)
  (builtins.seq [ t ] 2)
  (builtins.seq (x: t) 2)
  (builtins.deepSeq { a = [ 1 { b = 2; } ]; } 2)
  (builtins.deepSeq (x: t) 2)
  (let s = { a = s; b = 1; }; in builtins.deepSeq s 3)
  (let l = [ l 1 ]; in builtins.deepSeq l 4)
]
