{ __functor = self: { }; } 2
