builtins.concatMap [ ] [ 1 ]
