1 + let b = 1; in b
