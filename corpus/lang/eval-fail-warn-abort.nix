builtins.warn "stop here" 1
