builtins.traceVerbose "shown" 13
