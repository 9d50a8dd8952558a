let
  closure = start: operator: map (x: x.key) (builtins.genericClosure { startSet = map (key: { inherit key; }) start; inherit operator; });
in
[
  (closure [ ] (throw "never"))
  (closure [ 1 ] (x: [ ]))
  (closure [ 1 1 2 1 ] (x: [ ]))
  (closure [ 10 ] (x: if x.key > 1 then [ { key = x.key / 2; } { key = x.key - 1; } ] else [ ]))
  (closure [ "b" ] (x: [ { key = "a"; } { key = "c"; } { key = "b"; } ]))
  (closure [ 1 2 ] (x: if x.key < 10 then [ { key = x.key + 10; } { key = x.key + 20; } ] else [ ]))
  (closure [ 1 1.0 1.5 ] (x: [ ]))
  (closure [ [ 1 ] [ 1 2 ] [ 1 ] ] (x: [ ]))
  (closure [ /a /b /a ] (x: [ ]))
  (map (x: x.tag) (builtins.genericClosure { startSet = [ { key = 1; tag = "first"; } { key = 1; tag = "second"; } ]; operator = x: [ ]; }))
]
