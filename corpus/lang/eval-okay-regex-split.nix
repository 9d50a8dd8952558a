with builtins;
[
  (split "(a)b" "xabyabz") (split "(a)|b" "xaybz") (split "," "a,b,c") (split "," "abc") (split "," "") (split "," ",") (split "," ",,") (split "" "ab") (split "x*" "ab") (split "x*" "") (split "([ac])" "abc")
  (split "[[:space:]]+" " a  b ") (split "(([0-9])([a-z]))" "1a2b") (split "(x)?y" "yxy") (split "^a" "aa") (split "a$" "aa") (split "^" "ab") (split "$" "ab") (split "\n" "a\nb\n") (split "." "ab") (split "(.)" "ab")
  (split "(a+)(b*)" "aabxab") (split "é" "aéb") (split "a|" "bab")
]
