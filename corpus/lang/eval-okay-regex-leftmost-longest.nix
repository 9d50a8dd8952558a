# POSIX: of all matches the leftmost, of these the longest counts.
with builtins;
[
  (split "a|ab" "xabx") (split "(a|ab)(c|bcd)" "abcd") (match "(a|ab)(c|bcd)(d*)" "abcd") (match "(a|ab)(bc|c)?" "abc") (match "(aa|aaa)*" "aaaaa") (match "(a|aa)(a|aa)" "aaa")
  (match "(.*)(.*)" "ab") (match "(a?)(ab)?(b?)" "ab") (match "(xyz|xy)(z?)" "xyz") (match "(foo|foobar)(bar)?" "foobar") (split "x*" "axxb") (split "(a*)(ab)*" "aab")
]
