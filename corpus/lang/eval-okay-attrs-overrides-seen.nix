# What all kinds of bindings see of the attributes that `__overrides` replaces.
[
  (rec { s = { a = 1; }; inherit (s) a; __overrides = { s = { a = 2; }; }; }).a
  (rec { s = { a = 1; }; inherit (rec { b = s.a; }) b; __overrides = { s = { a = 2; }; }; }).b
  (with rec {
    x = 1; z = 3; f = y: x + y; __overrides = { x = 5; };
    one = x; set = { inherit x; }; list = [ x z ]; text = "${toString x}"; two = x + z; three = [ x z (f z) ]; select = set.x;
    let' = let w = x; in w; rec' = rec { v = x; u = v; };
  }; [ (f 1) one set list text two three select let' rec' ])
  (rec { f = a: g a; g = a: a; __overrides = { g = a: a + 1; }; }).f
]
