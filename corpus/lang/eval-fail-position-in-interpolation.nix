let
  a = 1;
in
"text
more ${toString (a + "x")}
end"
