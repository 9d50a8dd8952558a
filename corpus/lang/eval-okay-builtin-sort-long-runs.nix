# Presorted, reversed and mixed runs.
let up = builtins.genList (i: i) 30; down = builtins.genList (i: 30 - i) 30; s = builtins.sort builtins.lessThan; in
[ (s up == up) (s down) (s (up ++ down) == s (down ++ up)) (s (map (x: x / 4) (up ++ down))) ]
