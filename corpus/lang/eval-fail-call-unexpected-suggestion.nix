let f = { foo, bar ? 1 }: foo; in f { foo = 1; baz = 2; }
