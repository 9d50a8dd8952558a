(a: b: c: a + b) 1 "two" 3
