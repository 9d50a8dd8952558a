builtins.toXML { b = throw "b"; a = throw "a"; }
