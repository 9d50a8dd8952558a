let i = import ./data/import; in
[
  i.x (i.f 1) (import ./data/import/fn.nix 1 2) (import (./data/import + "/fn.nix") 1 2) (import (toString ./data/import) == i) (builtins.import ./data/import/default.nix).x (baseNameOf i.here) (baseNameOf i.file) (import ./data/import/fn-link.nix 2 3) ((import ./data/import/self-link).x) (import { outPath = toString ./data/import/fn.nix; } 1 1) (map import [ ./data/import/default.nix ] == [ i ]) (i == import ./data/import/default.nix)
]
