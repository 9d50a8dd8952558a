builtins.fetchurl { url = "http://example.org"; foo = 1; }
