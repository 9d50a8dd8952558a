[ (builtins.match "a*?" "a") (builtins.match "(a*?)(a*)" "aa") (builtins.match "a+?" "aa") (builtins.match "a??" "") ]
