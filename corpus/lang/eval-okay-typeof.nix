map builtins.typeOf [ 1 1.5 true null "s" ./. { } [ ] (x: x) map (map 1) ({ a }: a) { __functor = _: 1; } "${./eval-okay-typeof.nix}" ]
