builtins.elem 1 [ 2 (throw "third") ]
