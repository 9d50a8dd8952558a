with builtins;
[
  (map baseNameOf [ "/a/b" "/a/b/" "a" "" "/" "a/" "//" "/a//" "." ".." "a b/c d" ]) (baseNameOf /a/b) (baseNameOf ./.) (baseNameOf { outPath = "/x/y"; })
  (map dirOf [ "/a/b" "/a/b/" "a" "" "/" "/a" "a/b" "a/b/" "//" "./a" "/a//b" ]) (dirOf /a/b) (dirOf /a) (dirOf /.) (typeOf (dirOf /a/b)) (typeOf (dirOf "/a/b"))
  (toPath "/a/../b/./c//") (typeOf (toPath "/a"))
  (isPath ./.) (/a/b == /a/../a/b) (/a + "/..") (/. + "x") (toString /a/../..)
]
