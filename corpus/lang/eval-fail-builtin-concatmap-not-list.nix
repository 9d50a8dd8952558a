builtins.concatMap (x: [ ]) 1
