builtins.sort (a: b: throw "${toString a} ${toString b}") [ 1 2 3 ]
