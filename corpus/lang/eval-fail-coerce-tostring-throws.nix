toString { __toString = self: throw "inside"; }
