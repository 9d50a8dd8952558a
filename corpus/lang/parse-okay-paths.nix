x: [ /a/b /a/${x}/c /a/b${x} ./data ../lang/data <nixpkgs> <a/b.c> http://example.org/ (/a + "b") ~/x ~/a/${x} ]
