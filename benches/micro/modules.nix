# What module systems do: zipped, merged and checked definitions.
n:
let
  modules = builtins.genList (i: { "o${toString (i - i / 50 * 50)}" = { priority = i; value = [ i ]; }; shared = { priority = 1; value = [ i ]; }; }) (n * 4000);
  merge = name: definitions:
    let
      highest = builtins.foldl' (a: d: if d.priority < a then d.priority else a) 100000 definitions;
      chosen = builtins.filter ({ priority, value ? [ ], ... }: priority == highest) definitions;
    in
    { inherit name; value = builtins.concatLists (map ({ value, ... }: value) chosen); };
in
builtins.foldl' (a: option: a + builtins.length option.value) 0 (builtins.attrValues (builtins.zipAttrsWith merge modules))
