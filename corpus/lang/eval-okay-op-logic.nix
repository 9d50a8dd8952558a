let t = throw "never"; in
[
  (true && true) (true && false) (false && t) (true || t) (false || true) (false || false)
  (false -> t) (true -> true) (true -> false) (!true) (!false) (!!true)
  (false && false && t) (true || t || t)
]
