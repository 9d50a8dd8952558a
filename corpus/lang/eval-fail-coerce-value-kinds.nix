let t = throw "t"; in toString { a = x: x; b = map; c = map 1; d = t; e = ./x; f = 1.0; g = "q\"\n"; h = null; i = true; "j k" = 1; }
