throw { __toString = _: "from a set"; }
