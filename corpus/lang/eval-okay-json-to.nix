with builtins;
[
  (toJSON 1) (toJSON (-1)) (toJSON 1.5) (toJSON 1.0) (toJSON 0.1) (toJSON 1.0e20) (toJSON 1.0e15) (toJSON 1.0e16) (toJSON 1.0e-7) (toJSON 1.0e-5) (toJSON (1.0 / 3))
  (toJSON 123456789.125) (toJSON (-0.5)) (toJSON 1.7976931348623157e308) (toJSON 9007199254740993.0) (toJSON 0.0) (toJSON 100.0) (toJSON 123456.789e3)
  (toJSON true) (toJSON false) (toJSON null) (toJSON "a") (toJSON "q\"\\\n\r\t/é") (toJSON "${"\${x}"}") (toJSON [ ]) (toJSON { }) (toJSON [ 1 [ 2 ] { } ])
  (toJSON { b = 1; a = { d = 2; c = [ ]; }; "x y" = null; "" = 1; B = 2; }) (toJSON { outPath = "/x"; a = 1; }) (toJSON { outPath = { a = 1; }; }) (toJSON { __toString = s: "str"; a = 1; outPath = "/y"; })
  (toJSON [ { outPath = 1; } ]) (toJSON (fromJSON ''"\u0001\u001f\u007f\u0080\u2028"''))
]
