# Sorting and grouping.
n:
let
  numbers = builtins.genList (x: 7919 * x - 1000003 * (7919 * x / 1000003)) (n * 50000);
  groups = builtins.groupBy (x: toString (x - x / 100 * 100)) numbers;
in
builtins.length (builtins.sort builtins.lessThan numbers) + builtins.length (builtins.attrNames groups)
