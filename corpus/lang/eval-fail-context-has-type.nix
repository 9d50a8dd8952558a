builtins.hasContext [ ]
