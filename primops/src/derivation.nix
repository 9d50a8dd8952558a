# `derivation`: evaluates lazily what `derivationStrict` computes, once for each output.
drvAttrs@{ outputs ? [ "out" ], ... }:
let
  strict = derivationStrict drvAttrs;

  common = drvAttrs // builtins.listToAttrs byOutput // {
    all = map (output: output.value) byOutput;
    inherit drvAttrs;
  };

  ofOutput = outputName: {
    name = outputName;
    value = common // {
      outPath = builtins.getAttr outputName strict;
      drvPath = strict.drvPath;
      type = "derivation";
      inherit outputName;
    };
  };

  byOutput = map ofOutput outputs;
in
(builtins.head byOutput).value
