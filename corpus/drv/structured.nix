let d = derivation { name = "dep"; system = "x86_64-linux"; builder = "/bin/sh"; }; in
derivation {
  name = "structured"; system = "x86_64-linux"; builder = "/bin/sh"; args = [ "-e" ./data/builder.sh ]; __structuredAttrs = true; outputs = [ "out" "dev" ];
  int = 1; float = 1.5; whole = 1.0; tiny = 1.0e-7; big = 1.0e20; yes = true; no = false; nothing = null; str = "q\"\\\n\té\${x}"; list = [ 1 [ "a" ] { b = 2; } ]; set = { z = 1; a = { deep = [ ]; }; "odd key" = ""; }; dep = d; deps = [ d "${d}/bin" ]; src = ./data/src.txt; out' = { outPath = "/x"; a = 1; }; str' = { __toString = s: "t"; };
  exportReferencesGraph.graph = [ d ]; outputChecks.out.allowedReferences = [ "dev" ]; unsafeDiscardReferences.out = true; passAsFile = [ "str" ];
}
