# A file is evaluated once however it is reached.
[ (import ./data/import/traced.nix) (import (./data/import + "/traced.nix")) (import (toString ./data/import/traced.nix)) (import ./data/import/../import/traced.nix) ]
