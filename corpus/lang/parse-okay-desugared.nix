a: b: [ (a - b) (a * b) (a / b) (-a) (a < b) (a >= b) (with a; c) (c: with c; a + d) <x> ]
