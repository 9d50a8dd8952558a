# What the filter sees, and in which order.
builtins.path {
  path = ./data/dir;
  filter = path: type: builtins.trace "${builtins.replaceStrings [ (toString ./.) ] [ "" ] path} ${type}" (type != "symlink");
}
