# Operands: which first, which not at all.
let t = builtins.trace; in
[
  (t "+ l" 1 + t "+ r" 2) (t "- l" 1 - t "- r" 2) (t "* l" 1 * t "* r" 2) (t "/ l" 4 / t "/ r" 2) (t "== l" 1 == t "== r" 2) (t "!= l" 1 != t "!= r" 2) (t "< l" 1 < t "< r" 2) (t "> l" 1 > t "> r" 2) (t "<= l" 1 <= t "<= r" 2) (t ">= l" 1 >= t ">= r" 2)
  (t "&& l" false && t "&& r" true) (t "|| l" true || t "|| r" true) (t "-> l" false -> t "-> r" true) (t "++ l" [ ] ++ t "++ r" [ ]) (t "// l" { } // t "// r" { }) (t "? l" { } ? ${t "? r" "a"}) ((t ". l" { a = 1; }).${t ". r" "a"}) ((t "or l" { }).${t "or m" "a"} or (t "or r" 1)) (!(t "! r" true)) (-(t "neg" 1))
  (t "call f" (x: x) (t "call x" 1)) (if t "if c" true then t "if t" 1 else t "if e" 2) (with t "with unused" { a = 1; }; 1) (with t "with used" { zz = 1; }; zz) (assert t "assert" true; 1) (let a = t "let unused" 1; in 2) { ${t "dynamic" "n"} = 1; } (rec { a = t "rec" 1; b = a; }) "${t "interp 1" "a"}${t "interp 2" "b"}"
]
