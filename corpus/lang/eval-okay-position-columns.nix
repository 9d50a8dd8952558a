# Columns count bytes; tabs are one; all kinds of line ends count.
let p = n: s: let q = builtins.unsafeGetAttrPos n s; in [ q.line q.column ]; in
[
  (p "a" { a = 1; }) (p "a" { /* é */ a = 1; }) (p "a" { /* éé */a = 1; })
	(p "a" {	a = 1; })
  (p "c" { "é" = 1; c = 1; }) (p "a" {
    a = 1; }) (let q = __curPos; in [ q.line q.column ]) ("é" + toString __curPos.column) (p "b" { inherit (rec { b = 1; }) b; }) (p "b" (let b = 1; in { inherit b; }))
  (p "x" (builtins.functionArgs ({ x
    , y ? 1 }: x))) (p "y" (builtins.functionArgs ({ x
    , y ? 1 }: x))) (p "b" { a.b.c = 1; a.b.d = 2; }.a) (p "d" { a.b.c = 1; a.b.d = 2; }.a.b) (p "z" { ${"z"} = 1; }) (p "z" { ${"z" + ""} = 1; }) (p "a b" { "a b" = 1; })
]
