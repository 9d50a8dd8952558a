# JSON, there and back.
n: builtins.stringLength (builtins.toJSON (builtins.fromJSON (builtins.toJSON (builtins.genList (x: { a = x; b = [ x "text ${toString x}" ]; }) (n * 50000)))))
