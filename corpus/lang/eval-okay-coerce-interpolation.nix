let s = { outPath = "/o"; }; f = { __toString = self: "<${self.n}>"; n = "N"; }; in
[ "${s}" "a${s}b" "${f}" "${f}${s}" (s + "/x") ("x" + s) (f + "") "${{ outPath = f; }}" "${{ __toString = _: s; }}" ]
