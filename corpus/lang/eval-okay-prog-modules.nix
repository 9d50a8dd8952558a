# A little module system: options merged in a fixed point.
let
  merge = a: b: builtins.zipAttrsWith (n: vs: if builtins.all builtins.isAttrs vs then builtins.foldl' merge { } vs else if builtins.all builtins.isList vs then builtins.concatLists vs else builtins.elemAt vs (builtins.length vs - 1)) [ a b ];
  evalModules = modules: let config = builtins.foldl' merge { } (map (m: if builtins.isFunction m then m { inherit config; } else m) modules); in config;
in
evalModules [
  { services.web = { enable = true; port = 80; hosts = [ "a" ]; }; }
  ({ config, ... }: { services.web.hosts = [ "b" ]; firewall.ports = if config.services.web.enable then [ config.services.web.port ] else [ ]; })
  ({ config, ... }: { services.web.port = 8080; firewall.text = "open ${toString config.firewall.ports}"; })
]
