let f = { a, ... }@args: a; in
{
  inherit f;
  i = 1;
  l = [ 1 "two" 3.5 ];
  n.m = x: x;
  s = "<\"&>\n";
  d = { type = "derivation"; drvPath = "/x.drv"; outPath = "/x"; };
}
