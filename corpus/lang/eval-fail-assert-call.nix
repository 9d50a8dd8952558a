let f = x: false; in assert f { a = 1; b = [ 1 2 ]; } ; 1
