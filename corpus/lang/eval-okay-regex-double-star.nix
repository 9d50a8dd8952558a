[ (builtins.match "a**" "aaa") (builtins.match "(a*)*b" "aab") (builtins.match "a+*" "aaa") (builtins.match "a{2}{3}" "aaaaaa") (builtins.match "(a{2}){3}" "aaaaaa") ]
