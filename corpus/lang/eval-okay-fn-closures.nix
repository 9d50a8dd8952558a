let
  counter = n: { get = n; next = counter (n + 1); };
  compose = f: g: x: f (g x);
  fix = f: let x = f x; in x;
  y = f: (x: f (v: x x v)) (x: f (v: x x v));
in
[
  (counter 1).next.next.get
  (compose (x: x * 2) (x: x + 1) 3)
  (fix (self: { a = 1; b = self.a + 1; })).b
  ((y (self: n: if n == 0 then 1 else n * self (n - 1))) 6)
]
