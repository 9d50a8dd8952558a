let s = { a }: { inherit a; }; t = s { a = t.a; }; in t.a
