# Arithmetic recursion.
n: let f = i: if i < 2 then i else f (i - 1) + f (i - 2); in f (22 + n)
