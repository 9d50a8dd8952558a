let e3 = 5; in 1e3
