# Lists that are put together piece by piece.
n: builtins.length (builtins.concatMap (x: [ x ] ++ [ (x + 1) ]) (builtins.filter (x: x / 2 * 2 == x) (builtins.genList (x: x) (n * 100000))))
