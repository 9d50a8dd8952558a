# A link to a file is resolved once, paths in the file are relative to where it really is; a link to a folder is not.
let r = import ./data/links/link.nix; r2 = import ./data/links/link2.nix; d = import ./data/links/dirlink/target.nix; rel = p: builtins.replaceStrings [ (toString ./.) ] [ "" ] (toString p); in
[ (rel r.here) r.sibling (rel r.file) (rel r2.here) (rel d.here) (rel d.file) (rel (import ./data/links/up/link.nix).here) ]
