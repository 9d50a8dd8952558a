[
  (builtins.toFile "foo" "bar") (builtins.toFile "foo" "") (builtins.toFile "a+b._?=-Z9" "x") (builtins.toFile "foo" "bar ${builtins.toFile "x" "y"}") (builtins.toFile "h" "with ${./data/hello.txt}") (builtins.toFile ".hidden" "x") (builtins.toFile "nix" "é\n")
]
