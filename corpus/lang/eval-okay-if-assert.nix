[
  (if true then 1 else throw "never")
  (if false then throw "never" else 2)
  (if 1 == 1 then if false then 1 else 2 else 3)
  (assert true; 1)
  (assert 1 == 1; assert 2 == 2; 3)
  (if [ ] == [ ] && { } == { } then "y" else "n")
]
