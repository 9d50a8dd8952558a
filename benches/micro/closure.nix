# genericClosure.
n:
builtins.length (builtins.genericClosure {
  startSet = [ { key = 0; } ];
  operator = item: if item.key < n * 10000 then [ { key = item.key + 1; } { key = item.key + 7; } ] else [ ];
})
