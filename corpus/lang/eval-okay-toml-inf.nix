let t = builtins.fromTOML "a = inf\nb = -inf\nc = +1\nd = +1.5"; in t
