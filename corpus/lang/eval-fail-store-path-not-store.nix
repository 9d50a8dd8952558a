builtins.storePath ./data
