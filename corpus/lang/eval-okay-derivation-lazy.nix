# Nothing is forced before a path is asked for.
let d = derivation (throw "never" // { }); e = derivation { name = throw "never"; a = throw "never"; }; in [ (builtins.isAttrs { inherit d; }) e.type e.outputName ]
