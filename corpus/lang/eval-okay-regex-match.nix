with builtins;
[
  (match "ab" "abc") (match "abc" "abc") (match "a.c" "abc") (match "" "") (match "" "a") (match ".*" "") (match ".*" "a\nb")
  (match "a(b)(c)" "abc") (match "(a)|(b)" "a") (match "(a)|(b)" "b") (match "(a*)(b*)" "aab") (match "((a)(b))" "ab") (match "(a(b)?)+" "aba") (match "(a|ab)(c|bcd)(d*)" "abcd")
  (match "[a-z]+" "hello") (match "[^a-z]+" "ABC") (match "[]a]+" "]a") (match "[^]a]" "b") (match "[a-]+" "a-") (match "[[:alpha:]]+" "abC") (match "[[:digit:][:space:]]+" "1 2")
  (match "[[:upper:]][[:lower:]]*" "Hello") (match "[[:alnum:]_]+" "a1_") (match "[[:punct:]]" "!") (match "[[:xdigit:]]+" "1aF") (match "[[:blank:]]" "\t")
  (match "a{2}" "aa") (match "a{2,}" "aaaa") (match "a{1,3}" "aaaa") (match "a{0}" "") (match "(ab){2}" "abab") (match "a?b+" "bb")
  (match "\\." ".") (match "\\." "a") (match "\\(\\)\\[]\\{}\\*\\+\\?\\|\\^\\$\\\\" "()[]{}*+?|^$\\") (match "a\\|b" "a|b") (match "^a$" "a") (match "(^a)" "a") (match "a|b|" "")
  (match "[.]" ".") (match "[*+]" "*") (match "[\\]" "\\") (match "[\\n]" "n") (match "." "\n") (match "a\nb" "a\nb") (match "é" "é") (match "." "é") (match ".." "é")
  (match "(.*)-([0-9.]+)" "foo-bar-1.2.3") (match "(.*)\\.nix" "default.nix") (match "([^/]*)/(.*)" "a/b/c") (match "[ \t]*(.*[^ \t])[ \t]*" "  trim me  ")
  (match "(x)*" "") (match "(x)*" "xx") (match "(x*)*" "xx") (match "(a|b)*c" "abac") (match "(a*)+" "aa") (match "()" "") (match "(()|a)" "a")
]
