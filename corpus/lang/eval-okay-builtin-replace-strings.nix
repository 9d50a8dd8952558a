with builtins;
let t = throw "never"; in
[
  (replaceStrings [ "a" ] [ "b" ] "banana") (replaceStrings [ ] [ ] "abc") (replaceStrings [ "" ] [ "x" ] "ab") (replaceStrings [ "" ] [ "x" ] "")
  (replaceStrings [ "a" "" ] [ "1" "-" ] "abc") (replaceStrings [ "" "a" ] [ "-" "1" ] "abc") (replaceStrings [ "ab" "a" ] [ "1" "2" ] "aab")
  (replaceStrings [ "a" "ab" ] [ "1" "2" ] "aab") (replaceStrings [ "oo" "a" ] [ "a" "oo" ] "foobar") (replaceStrings [ "x" ] [ t ] "abc")
  (replaceStrings [ "a" "a" ] [ "1" t ] "aaa") (replaceStrings [ "\n" ] [ "\\n" ] "a\nb") (replaceStrings [ "abc" ] [ "" ] "abcabc")
  (replaceStrings [ "aa" ] [ "b" ] "aaaaa") (replaceStrings [ "é" ] [ "e" ] "café")
]
