# A parser of arithmetic on strings.
let
  sub = builtins.substring; len = builtins.stringLength; at = s: i: sub i 1 s;
  digit = c: builtins.match "[0-9]" c != null;
  number = s: i: let go = j: if j < len s && digit (at s j) then go (j + 1) else j; e = go i; in { v = builtins.fromJSON (sub i (e - i) s); i = e; };
  factor = s: i: if at s i == "(" then let r = expr s (i + 1); in assert at s r.i == ")"; { inherit (r) v; i = r.i + 1; } else number s i;
  chain = next: ops: s: i: let go = acc: let op = at s acc.i; in if ops ? ${if op == "" then "none" else op} then let r = next s (acc.i + 1); in go { v = ops.${op} acc.v r.v; inherit (r) i; } else acc; in go (next s i);
  term = chain factor { "*" = builtins.mul; "/" = builtins.div; };
  expr = chain term { "+" = builtins.add; "-" = builtins.sub; };
in
map (s: (expr s 0).v) [ "1" "1+2*3" "(1+2)*3" "100/7/2" "2*(3+4)*(10-8)" "12345678*9" "((((7))))-8" ]
