builtins.substring 0 null "abc"
