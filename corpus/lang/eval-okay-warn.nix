[ (builtins.warn "careful" 1) (builtins.warn "two\nlines" 2) ]
