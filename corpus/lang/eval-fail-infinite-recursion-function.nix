let f = x: f x; in let a = (y: y) (a + 1); in a
