# The first output is the default one; the file keeps them sorted.
map (outputs: derivation { name = "order"; system = "x86_64-linux"; builder = "/bin/sh"; inherit outputs; }) [ [ "out" "a" ] [ "a" "out" ] [ "out" ] [ "z" ] ]
