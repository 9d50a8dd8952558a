# comment
{ # one
  a /* two */ = /* three */ 1; # four
  /** doc */ b = x: /* five */ x;
} /* six */
