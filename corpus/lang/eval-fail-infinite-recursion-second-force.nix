let a = builtins.head [ b ]; b = a; in [ a b ]
