# The operators look up their functions in the scope.
let
  __sub = a: b: "sub ${toString a} ${toString b}";
  __mul = a: b: "mul";
  __div = a: b: "div";
  __lessThan = a: b: builtins.trace "lessThan ${toString a} ${toString b}" true;
in
[ (1 - 2) (-3) (1 * 2) (1 / 0) (1 < 2) (1 > 2) (1 <= 2) (1 >= 2) ]
