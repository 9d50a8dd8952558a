builtins.storePath "/nix/store/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz-x"
