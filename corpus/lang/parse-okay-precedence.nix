x: y: z: [
  (1 + 2 * 3 - 4 / 5) (x // y // z) (x ++ y ++ z) (x -> y -> z) (x || y && z) (!x && !y) (-x - -y) ((x == y) != (z < x)) (x ? y.z) (!x ? y) (x y z) (x (y z)) (-x y) (x.y z.x) (x.y or z) (x.y or z x) (x y.z or x) (x <= y) (x >= y) (x > y) (x < y) (x + y + z) (x + (y + z)) (x - y - z) (x * (y + z))
]
