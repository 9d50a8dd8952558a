# A thunk that failed fails again with the same error.
let a = builtins.trace "evaluated" (throw "x"); in [ (builtins.tryEval a) (builtins.tryEval a) ]
