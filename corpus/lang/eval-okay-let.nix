[
  (let in 1)
  (let a = b; b = 1; in a)
  (let a.b = 1; a.c = 2; in a)
  (let a = 1; in let a = 2; b = a; in [ a b ])
  (let ${"x"} = 1; in x)
  (let "x y" = 1; z = 2; in z)
  (let f = n: if n < 2 then n else f (n - 1) + f (n - 2); in f 15)
  (let even = n: n == 0 || odd (n - 1); odd = n: n != 0 && even (n - 1); in even 100)
  (let a = 1; b = let c = a; in c + 1; in b)
]
