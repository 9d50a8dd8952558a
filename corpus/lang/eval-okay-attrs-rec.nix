rec {
  a = b + 1;
  b = 2;
  c = { d = a; inherit b; };
  e = rec { a = 5; f = a; };
  g = (rec { x = y; y = z; z = 3; }).x;
  "h i" = a;
  j.k = b;
  l = j.k;
  f = n: if n == 0 then 1 else n * f (n - 1);
  m = f 5;
} // { f = "hidden"; }
