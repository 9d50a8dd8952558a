/*
  `derivation`: what `derivationStrict` computes, evaluated lazily, once for each output.

  The result is the set that was given, and beside its attributes

  - one attribute for each output, a derivation like this one whose `outPath` is that output's store path;
  - `all`, the list of these, in the order of `outputs`;
  - `drvAttrs`, the set as it was given;
  - `drvPath`, the store path of the derivation;
  - `outPath`, that of the output at hand: the first of `outputs`, unless one was chosen by name;
  - `outputName`, the name of that output;
  - `type`, which is "derivation".

  Nothing is computed until `drvPath` or an `outPath` is looked at: a package may refer to others, and even to
  itself, as long as no path depends on itself. `derivationStrict` is called once for all outputs, when
  the first path of any of them is asked for.

  Attributes added with `//` to the result do not change the derivation. To change it, call this function again
  with other `drvAttrs`, which is what `overrideAttrs` and the like do.

  Traces show places in this file, under the name «nix-internal»/derivation-internal.nix. People compare traces of
  different implementations, search the web for them, and match them in tests; therefore what can be seen in them
  stands on the line, in the column, and under the name where the reference (Nix 2.34) has it. That is why
  `drvAttrs` begins on line 30 and `strict` on line 37. Whoever changes the length of this comment moves them:
  the cases eval-fail-derivation-* of the corpus tell. (Names of local variables below are our own: they are
  seen only in traces of derivations whose `outputs` are wrong.)

  Comments below would show in the traces, so there are none.
*/
drvAttrs@{
  outputs ? [ "out" ],
  ...
}:

let

  strict = derivationStrict drvAttrs;

  common =
    drvAttrs
    // builtins.listToAttrs byOutput
    // {
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
