[
  (toString 1) (toString (-5)) (toString 1.5) (toString 1234567.0) (toString 1.0e20) (toString 0.1) (toString (1.0 / 3)) (toString (-0.5)) (toString 1.0e-9)
  (toString true) (toString false) (toString null) (toString "s") (toString /a/b) (toString [ ]) (toString [ 1 2 ])
  (toString [ 1 [ 2 3 ] [ ] null true "x y" ]) (toString [ [ ] ]) (toString [ [ ] 1 ]) (toString [ 1 [ ] ]) (toString [ 1 [ ] 2 ]) (toString [ [ [ ] ] [ 1 ] ])
  (toString [ "" "" ]) (toString [ "a" "" "b" ]) (toString [ null null ]) (toString [ false true ])
  (toString { outPath = 1; }) (toString { outPath = "/x"; }) (toString { outPath = [ 1 2 ]; }) (toString { outPath = { outPath = "deep"; }; })
  (toString { __toString = s: s.x; x = "y"; }) (toString { __toString = s: 5; }) (toString { __toString = s: "a"; outPath = "b"; })
  (toString { __toString = s: { outPath = "nested"; }; }) (toString [ { outPath = "/a"; } { __toString = s: "b"; } ])
  (toString (1.0e308 * 10)) (toString 1.0e15) (toString 123456789.123456789)
]
