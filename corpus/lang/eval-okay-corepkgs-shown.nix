# Files that come with the program print as they are written, not as where they lie.
[ <nix/fetchurl.nix> { path = <nix/fetchurl.nix>; } ]
