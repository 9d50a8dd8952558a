# There is no string to number conversion but through JSON.
map builtins.fromJSON [ "1" "-5" "0" "1.5" "1e3" "1E-2" "-0" "-0.0" "9223372036854775807" "-9223372036854775808" "1.0" "0.1" "123456789012345678" "2.5e10" ]
