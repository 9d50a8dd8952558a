let
  vs = [ 1 1.5 true null "s" /a { } [ ] (x: x) map (map 1) { type = "derivation"; } ];
  ps = { inherit (builtins) isAttrs isBool isFloat isFunction isInt isList isNull isPath isString; };
in
builtins.mapAttrs (n: p: map p vs) ps
