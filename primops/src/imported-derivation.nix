# What `import` makes of a derivation in the store: the outputs are all that its file tells of.
drv@{ name, drvPath, outputs, ... }:
let
  common = builtins.listToAttrs byOutput // {
    inherit name drvPath;
    all = map (output: output.value) byOutput;
    type = "derivation";
  };

  ofOutput = outputName: {
    name = outputName;
    value = common // {
      outPath = builtins.getAttr outputName drv;
      inherit outputName;
    };
  };

  byOutput = map ofOutput outputs;
in
(builtins.head byOutput).value
