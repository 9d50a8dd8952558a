# Infinite structures, looked at in part.
let
  nats = n: { head = n; tail = nats (n + 1); };
  take = n: s: if n == 0 then [ ] else [ s.head ] ++ take (n - 1) s.tail;
  fibs = let go = a: b: { head = a; tail = go b (a + b); }; in go 0 1;
  primes = let sieve = s: { inherit (s) head; tail = sieve (filter (x: x / s.head * s.head != x) s.tail); }; in sieve (nats 2);
  filter = p: s: if p s.head then { inherit (s) head; tail = filter p s.tail; } else filter p s.tail;
  self = { a = self; b = 1; };
in
[ (take 5 (nats 3)) (take 20 fibs) (take 12 primes) self.a.a.a.a.b ]
