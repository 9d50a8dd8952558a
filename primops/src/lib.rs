//! The builtins of the Nix language.
