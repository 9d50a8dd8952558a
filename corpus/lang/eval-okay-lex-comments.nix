# line comment
/* block */ let /**/ a = /* * */ 1; # end
  /* nested /* is not nested */
  b = 2; /***/
  /** doc comment */
  c = 3;
in /* a
  b */ [ a b c ] # last without newline
