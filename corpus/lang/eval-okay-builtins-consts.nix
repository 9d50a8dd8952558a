[
  builtins.langVersion
  builtins.storeDir
  builtins.nixPath
  (builtins.match "2\\.[0-9]+.*" builtins.nixVersion != null)
  (builtins.isInt builtins.currentTime)
  (builtins.isString builtins.currentSystem)
  builtins.true builtins.false builtins.null
  (builtins ? builtins.builtins)
  (builtins.builtins == builtins)
]
