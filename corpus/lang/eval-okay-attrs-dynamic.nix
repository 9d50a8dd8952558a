let k = "key"; n = null; s = { name = "in"; }; in
[
  { ${k} = 1; }
  { "${k}" = 1; "x${k}y" = 2; }
  { ${n} = 1; a = 2; }
  { ${null} = throw "never"; }
  { a.${k}.b = 1; }
  { ${k}.a.b = 1; c = 2; }
  { ${s.name} = s; }
  { ${if true then "a" else null} = 1; ${if false then "b" else null} = 2; }
  rec { ${k} = 1; a = 2; b = a; }
  rec { a = "n"; ${a} = 1; }
  { "" = 1; "a.b" = 2; "if" = 3; "or" = 4; "1" = 5; "a-b" = 6; "a'" = 7; "-" = 8; "\n" = 9; }
]
