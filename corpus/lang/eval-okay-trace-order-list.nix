# Elements are forced from left to right, attributes by name.
let t = x: builtins.trace x x; in
[ (t "1") { b = t "3"; a = t "2"; } (builtins.map t [ "4" "5" ]) (builtins.listToAttrs [ { name = "z"; value = t "7"; } { name = "y"; value = t "6"; } ]) ]
