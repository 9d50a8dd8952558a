{
  a = "x
yz";
  b = ''
    one
      two
  '';
  # comment
  c = [ 12 ];
}
