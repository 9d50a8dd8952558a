[ 1 (throw "second") (throw "third") ] == [ 1 2 3 ]
