let f = { a, b ? a + null }: b; in f { a = 1; }
