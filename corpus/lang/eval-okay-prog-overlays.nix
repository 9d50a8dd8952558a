let
  fix = f: let x = f x; in x;
  extends = o: f: self: let super = f self; in super // o self super;
  base = self: { name = "base"; greeting = "hello ${self.name}"; list = [ self.name ]; call = f: f self; };
  o1 = self: super: { name = "one"; greeting = super.greeting + "!"; };
  o2 = self: super: { list = super.list ++ [ self.greeting ]; extra = self.call (s: s.name); };
  all = builtins.foldl' (f: o: extends o f) base [ o1 o2 ];
  makeOverridable = f: args: let r = f args; in r // { override = new: makeOverridable f (args // (if builtins.isFunction new then new args else new)); };
  pkg = makeOverridable ({ a, b ? 1 }: { sum = a + b; });
in
[ (removeAttrs (fix all) [ "call" ]) (removeAttrs (fix base) [ "call" ]) (pkg { a = 1; }).sum ((pkg { a = 1; }).override { b = 5; }).sum ((pkg { a = 1; }).override (old: { a = old.a + 10; })).sum (((pkg { a = 1; }).override { b = 2; }).override { a = 3; }).sum ]
