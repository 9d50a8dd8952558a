[
  (let { body = x; x = 3; })
  (let { x = 1; y = x + 1; body = { inherit x y; }; })
]
