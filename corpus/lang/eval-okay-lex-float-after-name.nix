let a = x: x; in [ (a.1) (a 1.5) ]
