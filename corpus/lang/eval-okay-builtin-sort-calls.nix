builtins.sort (a: b: builtins.trace "${toString a} < ${toString b}" (a < b)) [ 3 1 2 5 4 ]
