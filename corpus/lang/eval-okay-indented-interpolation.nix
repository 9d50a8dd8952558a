let
  x = "X";
  m = "one\n  two\n";
in
[
  ''
    ${x}
      a
  ''
  ''
      ${m}
    b
  ''
  ''
      a ${x}
     ${x} b
  ''
  ''${x}
    b''
  ''
    ${x}''
  ''
    a${""}
    ${""}
  ''
  ''
    ${''
      inner
        more
    ''}
  ''
]
