builtins.getContext (builtins.toXML { a = builtins.toFile "x" "y"; })
