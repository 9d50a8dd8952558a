map builtins.fromTOML [ "" "# only a comment" "a = 1\r\nb = 2\r\n" "[t]" "a=[]" "a={}" ]
