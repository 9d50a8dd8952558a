x: { inherit "a b"; }
