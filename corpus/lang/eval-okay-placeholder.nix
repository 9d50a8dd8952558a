map placeholder [ "out" "dev" "" "foo bar" ]
