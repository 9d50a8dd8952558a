let
  f = { __functor = self: x: self.k + x; k = 10; };
  g = { __functor = self: f; };
  h = { __functor = self: { a }: a; };
  i = { __functor = { k, ... }: x: [ k x ]; k = 1; };
in
[
  (f 1) (g 1) (h { a = 3; }) (i 2) (map f [ 1 2 ]) ((f // { k = 20; }) 1)
  (builtins.isFunction f) (builtins.isAttrs f) (builtins.typeOf f) (builtins.foldl' { __functor = _: a: b: a + b; } 0 [ 1 2 3 ])
  (builtins.sort { __functor = _: a: b: a > b; } [ 1 3 2 ])
]
