//! Primops on contexts, and those that write text.

mod support;

use support::{eval, fails, holds};

const PATH: &str = "/nix/store/ffffffffffffffffffffffffffffffff-x";

#[test]
fn contexts() {
    for test in [
        "!builtins.hasContext \"a\" && builtins.getContext \"a\" == { }",
        "builtins.getContext (builtins.appendContext \"a\" { ${path}.path = true; }) == { ${path}.path = true; }",
        "builtins.getContext (builtins.appendContext \"a\" { ${path} = { }; }) == { }",
        "builtins.getContext (builtins.appendContext \"a\" { ${drv} = { outputs = [ \"out\" \"dev\" ]; allOutputs = true; }; }) \
         == { ${drv} = { outputs = [ \"dev\" \"out\" ]; allOutputs = true; }; }",
        "builtins.hasContext (builtins.appendContext \"\" { ${path}.path = true; } + \"b\")",
        "!builtins.hasContext (builtins.unsafeDiscardStringContext (builtins.appendContext \"\" { ${path}.path = true; }))",
        "builtins.getContext (builtins.unsafeDiscardOutputDependency (builtins.appendContext \"\" { ${drv}.allOutputs = true; })) \
         == { ${drv}.path = true; }",
        "builtins.getContext (builtins.addDrvOutputDependencies (builtins.appendContext \"\" { ${drv}.path = true; })) \
         == { ${drv}.allOutputs = true; }",
    ] {
        holds(&[&format!("let path = \"{PATH}\"; drv = \"{PATH}.drv\"; in {test}")]);
    }
    fails(
        "builtins.appendContext \"a\" { b = { }; }",
        "context key 'b' is not a store path",
    );
    fails(
        "builtins.addDrvOutputDependencies \"a\"",
        "context of string 'a' must have exactly one element, but has 0",
    );
    fails(
        &format!("builtins.appendContext \"a\" {{ \"{PATH}\".allOutputs = true; }}"),
        &format!("tried to add all-outputs context of \"{PATH}\", which is not a derivation, to a string"),
    );
}

#[test]
fn xml() {
    let (_, result) = eval(
        "builtins.toXML { b = [ 1 1.5 true null \"a<\\\"\\n&>\" /p ]; a = { x, y ? 1, ... }@z: 1; c = map; d = x: x; }",
    );
    let value = result.expect("it is valid");
    let text = value.as_string().expect("a string").bytes();
    let expected = "<?xml version='1.0' encoding='utf-8'?>
<expr>
  <attrs>
    <attr name=\"a\">
      <function>
        <attrspat ellipsis=\"1\" name=\"z\">
          <attr name=\"x\" />
          <attr name=\"y\" />
        </attrspat>
      </function>
    </attr>
    <attr name=\"b\">
      <list>
        <int value=\"1\" />
        <float value=\"1.5\" />
        <bool value=\"true\" />
        <null />
        <string value=\"a&lt;&quot;&#xA;&amp;&gt;\" />
        <path value=\"/p\" />
      </list>
    </attr>
    <attr name=\"c\">
      <unevaluated />
    </attr>
    <attr name=\"d\">
      <function>
        <varpat name=\"x\" />
      </function>
    </attr>
  </attrs>
</expr>
";
    assert_eq!(String::from_utf8_lossy(text), expected);
}

#[test]
fn messages() {
    let (ev, result) =
        eval("builtins.trace { a = 1; } (builtins.traceVerbose \"never\" (builtins.warn \"a\\nb\" 1))");
    assert_eq!(result.expect("it is valid").as_int(), Some(1));
    assert!(!ev.settings.trace_verbose);
}
