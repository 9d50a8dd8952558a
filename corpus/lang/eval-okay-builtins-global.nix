# These are visible without `builtins.`; the others as `__name`.
[
  (map builtins.isFunction [ abort baseNameOf break derivation derivationStrict dirOf fetchGit fetchMercurial fetchTarball fromTOML import isNull map placeholder removeAttrs scopedImport throw toString ])
  [ (__add 1 2) (__toJSON 1) (__length [ ]) (__head [ 1 ]) (__elemAt [ 1 2 ] 1) (__stringLength "ab") ]
  [ (__attrNames { a = 1; }) (__currentSystem == builtins.currentSystem) __langVersion __storeDir __nixPath ]
]
