let x = "x/y"; d = "."; in
[
  (baseNameOf ./.) (/. == /foo/..) /a/b /a/./b /a/../b (baseNameOf ./data/hello.txt) (./data + "/hello.txt" == ./data/hello.txt) (./data/../data/hello.txt == ./data/hello.txt) (data/hello.txt == ./data/hello.txt) (../lang == ./.)
  /a/${x}/b /a/${x}b /a${"b"} /a/${d}${d}/c /a/${"b/../c"} /a/${x} /a/b${x}c/${"d"}e (./${"data"}/hello.txt == ./data/hello.txt) (./data/${"hello" + ".txt"} == ./data/hello.txt) (builtins.typeOf /a/${x}) /a-b_c+d.e/1
  (/a/${toString 1}) (./. + "/data" == ./data) (builtins.toString ./data == toString ./. + "/data")
]
