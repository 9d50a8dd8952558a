builtins.toJSON [ map ]
