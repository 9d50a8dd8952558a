# An argument is evaluated at most once.
(x: x + x + x) (builtins.trace "once" 1)
