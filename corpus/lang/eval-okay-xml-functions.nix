builtins.toXML [
  (x: x)
  ({ a, b ? 1 }: a)
  ({ b, a, ... }: a)
  (args@{ z, a }: a)
  ({ a, ... }@args: a)
  ({ }: 1)
  ({ ... }: 1)
]
