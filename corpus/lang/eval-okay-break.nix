builtins.break [ 1 ]
