with builtins;
[
  (substring 0 3 "hello") (substring 1 100 "hello") (substring 5 1 "hello") (substring 9 1 "hello") (substring 2 (-1) "hello")
  (substring 0 0 "hello") (substring 0 (-5) "") (substring 1 1 "é") (substring 0 2 "é")
  (substring 0 5 { outPath = "/abc/d"; }) (substring 4 9223372036854775807 "hello")
  (stringLength "") (stringLength "hello") (stringLength "é") (stringLength "a\n") (stringLength { outPath = "/abc"; })
  (stringLength ./data/hello.txt)
]
