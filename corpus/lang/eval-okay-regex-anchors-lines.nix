with builtins;
[ (split "^b" "a\nb") (split "a$" "a\nb") (match "a.b" "a\nb") (match "[^a]" "\n") ]
