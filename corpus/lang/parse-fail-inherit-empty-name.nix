x: { inherit ""; }
