[
  rec { x = 1; __overrides = { x = 2; y = 3; }; z = x; }
  (rec { x = y; y = 1; __overrides = { y = 2; }; }).x
  { __overrides = { x = 2; }; x = 1; }
  (let __overrides = { x = 2; }; x = 1; in x)
  (let { x = 1; __overrides = { x = 2; }; body = x; })
  rec { __overrides = { }; a = 1; b = a; }
  rec { __overrides = { a = 2; c = "new"; }; a = 1; b = a; ${"d"} = a; }
]
