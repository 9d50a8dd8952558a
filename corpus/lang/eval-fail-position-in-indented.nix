''
  text
    more ${toString (1 + { })}
''
