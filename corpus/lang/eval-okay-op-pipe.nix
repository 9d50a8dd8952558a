let inc = x: x + 1; dbl = x: x * 2; in
[
  (1 |> inc) (1 |> inc |> dbl) (dbl <| inc <| 1) (dbl <| 1 + 2) (1 + 2 |> dbl)
  ([ 1 2 ] |> map inc) (true |> (x: !x)) (false -> true |> (x: x))
]
