let e3 = 5; f = x: x; in [ ((x: y: [ x y ]) 1e3) ]
