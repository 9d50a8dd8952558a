[ (builtins.getEnv "LC_ALL") (builtins.getEnv "NOT_SET_AT_ALL") (builtins.getEnv "") (builtins.getEnv "TZ") ]
