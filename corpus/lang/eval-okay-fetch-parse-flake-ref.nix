[ (builtins.parseFlakeRef "github:NixOS/nixpkgs/23.05?dir=lib") (builtins.flakeRefToString { dir = "lib"; owner = "NixOS"; ref = "23.05"; repo = "nixpkgs"; type = "github"; }) ]
