# Every kind of value an attribute may have.
derivation {
  name = "coercions"; system = "x86_64-linux"; builder = ./data/builder.sh;
  int = 42; neg = -1; float = 1.5; big = 1.0e20; yes = true; no = false; nothing = null;
  str = "a\nb\tc\rd\"e\\f\${g}"; empty = ""; list = [ 1 "two" [ 3 [ ] ] null true ]; emptyList = [ ]; path = ./data/src.txt; dir = ./data/dir;
  toString' = { __toString = self: "from __toString"; }; outPath' = { outPath = "/somewhere"; }; "odd name" = "x"; "1" = "digit"; _ = "underscore";
}
