let
  f = { a, b ? a + 1, ... }: [ a b ];
  g = { a ? 1, b ? a + 1, c ? b + 1 }: [ a b c ];
  h = args@{ a ? 1, ... }: [ a args ];
  i = { a ? 1, ... }@args: [ a args ];
  j = { }: 1;
  k = { ... }: 2;
  l = { a ? args.b or 5, ... }@args: a;
  m = { f ? (n: if n == 0 then 1 else n * f (n - 1)) }: f 5;
  n = { x ? y, y ? 3 }: [ x y ];
  o = { a, }: a;
in
[
  (f { a = 1; }) (f { a = 1; b = 5; z = 1; }) (g { }) (g { b = 10; }) (h { }) (h { a = 2; b = 3; })
  (i { c = 1; }) (j { }) (k { a = 1; }) (l { b = 1; }) (l { }) (m { }) (n { }) (n { x = 1; }) (n { y = 2; })
  (o { a = 1; }) (({ a ? throw "unused", b }: b) { b = 3; })
  ((args@{ a ? 1 }: args) { }) ((x: { y ? x }: y) 4 { })
]
