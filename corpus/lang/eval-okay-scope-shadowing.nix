let
  true = false;
  null = 1;
  map = f: "mine";
  builtins = { length = "mine"; };
  toString = 5;
in
[ true null (map 1) builtins.length toString (x: (y: (x: x) 1) 2) ((x: (x: x) 2) 1) ]
