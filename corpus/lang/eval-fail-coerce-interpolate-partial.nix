"${builtins.add 1}"
