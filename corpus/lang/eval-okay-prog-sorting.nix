let
  quick = l: if l == [ ] then [ ] else let p = builtins.head l; r = builtins.partition (x: x < p) (builtins.tail l); in quick r.right ++ [ p ] ++ quick r.wrong;
  merge = a: b: if a == [ ] then b else if b == [ ] then a else if builtins.head a <= builtins.head b then [ (builtins.head a) ] ++ merge (builtins.tail a) b else [ (builtins.head b) ] ++ merge a (builtins.tail b);
  split = n: l: { l = builtins.genList (builtins.elemAt l) n; r = builtins.genList (i: builtins.elemAt l (i + n)) (builtins.length l - n); };
  msort = l: if builtins.length l < 2 then l else let s = split (builtins.length l / 2) l; in merge (msort s.l) (msort s.r);
  data = builtins.genList (i: let x = (i * 1103515245 + 12345); in x - x / 1000 * 1000) 60;
  want = builtins.sort builtins.lessThan data;
in
[ (quick data == want) (msort data == want) (builtins.head want) (builtins.length data) want ]
