let f = builtins.toFile; in builtins.addDrvOutputDependencies "${f "a" "b"}${f "c" "d"}"
