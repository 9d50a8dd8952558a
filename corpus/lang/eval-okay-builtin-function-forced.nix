# Which builtins look at their function (or other argument) when there is nothing to call it with?
with builtins;
let
  t = throw "forced";
  ok = e: (tryEval e).success;
in
{
  all = ok (all t [ ]);
  any = ok (any t [ ]);
  concatMap = ok (concatMap t [ ]);
  filter = ok (filter t [ ]);
  foldl' = ok (foldl' t 1 [ ]);
  foldlInit = ok (foldl' (a: b: b) t [ 1 ]);
  foldlInitEmpty = ok (foldl' (a: b: b) t [ ]);
  genList = ok (genList t 0);
  genericClosure = ok (genericClosure { startSet = [ ]; operator = t; });
  groupBy = ok (groupBy t [ ]);
  map = ok (map t [ ]);
  mapAttrs = ok (mapAttrs t { });
  partition = ok (partition t [ ]);
  sortEmpty = ok (sort t [ ]);
  sortOne = ok (sort t [ 1 ]);
  zipAttrsWith = ok (zipAttrsWith t [ ]);
  catAttrs = ok (catAttrs t [ ]);
  concatStringsSep = ok (concatStringsSep t [ ]);
  replaceStrings = ok (replaceStrings [ "a" ] [ t ] "b");
  substring = ok (substring 0 0 t);
  removeAttrs = ok (removeAttrs { } [ t ]);
  intersectAttrs = ok (intersectAttrs { } t);
  elem = ok (elem t [ ]);
  hasAttr = ok (hasAttr t { });
  addErrorContext = ok (addErrorContext t 1);
  trace = ok (trace t 1);
  seq = ok (seq 1 1);
  match = ok (match t "");
  listToAttrs = ok (listToAttrs [ { name = "a"; value = t; } ]);
  functionArgs = ok (functionArgs ({ a ? t }: t));
  elemAt = ok (elemAt [ 1 t ] 0);
  head = ok (head [ 1 t ]);
  attrValues = ok (attrValues { a = t; });
  appendContext = ok (appendContext "" { });
  partial = ok (map t);
  typeOf = ok (typeOf [ t ]);
  isNull = ok (isNull { a = t; });
  update = ok ({ a = t; } // { });
}
