let inf = 1.0e308 * 10; nan = inf - inf; in
[ inf (-inf) (toString inf) (nan == nan) (inf == inf) (inf > 1) (nan < 1) (nan > 1) (0.0 == -0.0) (-0.0) (0.0 * -1) (toString (0.0 * -1)) (builtins.toJSON (0.0 * -1)) (1 / inf) (builtins.typeOf nan) ([ nan ] == [ nan ]) (let n = nan; in [ n ] == [ n ]) (builtins.isFloat inf) (builtins.toJSON inf) ]
