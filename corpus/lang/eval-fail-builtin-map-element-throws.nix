map (x: throw "element ${toString x}") [ 1 2 ]
