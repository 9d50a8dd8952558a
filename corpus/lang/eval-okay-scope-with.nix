let
  a = 0;
  s = { a = 1; b = 2; };
  t = { b = 3; c = 4; };
in
[
  (with s; a)
  (with s; b)
  (with s; with t; b)
  (with t; with s; b)
  (with s; with t; [ b c ])
  (with { true = 1; map = 2; }; [ true (map (x: x) [ ]) ])
  (with 1; 2)
  (with throw "never"; a)
  (with throw "not reached"; with { q = 5; }; q)
  (with s; let b = 9; in b)
  (with s; (b: b) 9)
  (with s; rec { b = 9; d = b; }.d)
  (with s; { b = 9; d = b; }.d)
  (with { x.y = 1; }; with x; y)
  (with rec { e = f; f = 1; }; e)
  ((with s; x: b + x) 1)
  (with { f = x: with { x = 1; }; x; }; f 2)
  (with { b = 5; }; with { f = { y ? b }: y; }; with { b = 7; }; f { y = b; } + f { })
  (with builtins; length [ 1 ])
  (let inherit (with s; t) b; in b)
  (with s; { inherit b; })
]
