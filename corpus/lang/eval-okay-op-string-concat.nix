[
  ("a" + "b") ("" + "") ("a" + "b" + "c") ("a" + ("b" + "c")) ("a" + "${"b"}c")
  ("x" + { outPath = "/o"; }) ({ outPath = "/o"; } + "x") ({ outPath = "/o"; } + { outPath = "/p"; })
  ({ __toString = self: "s${self.a}"; a = "A"; } + "x") ("x" + { __toString = _: "y"; })
]
