{ __functor = self: { a }: a; } { }
