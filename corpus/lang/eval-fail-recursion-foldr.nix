let foldr = f: z: l: if l == [ ] then z else f (builtins.head l) (foldr f z (builtins.tail l)); in
foldr (a: b: a + b) 0 (builtins.genList (x: x) 20000)
