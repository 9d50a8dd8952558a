let
  zero = f: x: x; succ = n: f: x: f (n f x); add = m: n: f: x: m f (n f x); mul = m: n: f: m (n f); exp = m: n: n m;
  toInt = n: n (x: x + 1) 0; fromInt = i: if i == 0 then zero else succ (fromInt (i - 1));
  pair = a: b: s: s a b; fst = p: p (a: b: a); snd = p: p (a: b: b);
  pred = n: fst (n (p: pair (snd p) (succ (snd p))) (pair zero zero));
in
[ (toInt (add (fromInt 3) (fromInt 4))) (toInt (mul (fromInt 6) (fromInt 7))) (toInt (exp (fromInt 2) (fromInt 8))) (toInt (pred (fromInt 10))) ]
