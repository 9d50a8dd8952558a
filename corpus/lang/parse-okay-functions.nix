[
  (x: x) ({ }: 1) ({ ... }: 1) ({ a, b ? 1 }: a) ({ b, a, ... }: a) (args@{ z, a ? z }: args) ({ a, ... }@args: a) (x: y: { z }: x) (f: f (x: x)) ({ a ? { b = 1; }, c ? (x: x) }: a)
]
