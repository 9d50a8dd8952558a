# No experimental feature: what the base scope and `builtins` hold.
builtins.attrNames builtins
