[
  (import <foo>) (import <bar.nix>) (import <only.nix>) (import <named/bar.nix>) (baseNameOf <named>) (builtins.tryEval <missing>) (builtins.tryEval <foo/missing>) (map (e: e.prefix) builtins.nixPath) (map (e: baseNameOf e.path) builtins.nixPath)
  (baseNameOf (builtins.findFile builtins.nixPath "bar.nix")) (baseNameOf (builtins.findFile [ { path = ./data/lookup2; prefix = ""; } ] "only.nix")) (baseNameOf (builtins.findFile [ { path = ./data/lookup; prefix = "p/q"; } ] "p/q/bar.nix")) (builtins.typeOf <foo>) (builtins.findFile [ { path = ./data/lookup; } ] "foo" == ./data/lookup/foo) (builtins.findFile [ { path = "/nonexistent"; prefix = "a"; } { path = toString ./data; prefix = "a"; } ] "a" == ./data)
]
