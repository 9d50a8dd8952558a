# The position of the expression itself.
[
  __curPos.line
  (baseNameOf __curPos.file)
  __curPos.column
  (let inherit (__curPos) line column; in [ line column ])
]
