toString { __toString = "a"; }
