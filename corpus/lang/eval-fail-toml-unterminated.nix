builtins.fromTOML "a = \"b"
