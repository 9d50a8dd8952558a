builtins.fromJSON "[1] // comment"
