builtins.path { path = ./data/dir; filter = path: type: throw "no: ${baseNameOf path}"; }
