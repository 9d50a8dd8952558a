//! Derivations whose paths are known from the reference.

mod answers;

use answers::{answer, json, with_evaluator};
use nivis_eval::settings::Settings;

/// What the expressions share; `b` and `s` are all that a derivation must have.
const PRELUDE: &str = r#"
    let
      simple = name: more: derivationStrict ({ inherit name; system = "x86_64-linux"; builder = "/bin/sh"; } // more);
      dep = simple "dep" { };
    in
"#;

fn eval(expression: &str) -> String {
    answer(&[("/hello.txt", "hello\n")], &format!("{PRELUDE}{expression}"))
}

fn strings(expected: &[&str]) -> String {
    let quoted: Vec<String> = expected.iter().map(|text| format!("\"{text}\"")).collect();
    format!("[{}]", quoted.join(","))
}

#[test]
fn a_simple_derivation() {
    assert_eq!(
        eval("[ dep.drvPath dep.out ]"),
        strings(&[
            "/nix/store/548a6rq39jc405w6j0l7m162vw46fsk3-dep.drv",
            "/nix/store/8jwbf2iqmfilb880600kamhd6yr138gs-dep",
        ])
    );
}

#[test]
fn several_outputs_and_inputs() {
    let top = r#"
        simple "top-1.0" {
          outputs = [ "out" "dev" ];
          fl = 1.5; yes = true; no = false; nul = null; list = [ "a" 1 dep.out ];
          src = /hello.txt; args = [ "-c" /hello.txt 3 ];
        }
    "#;
    let shown = eval(&format!("let t = {top}; in [ t.drvPath t.out t.dev ]"));
    assert_eq!(
        shown,
        strings(&[
            "/nix/store/mh6c0hijc96kfxgn3askn54kf9a4851v-top-1.0.drv",
            "/nix/store/sa1sr0sv2nxxn1vhb69xrqk2npkcn5sx-top-1.0",
            "/nix/store/rfyvvmi2ki0gfdkhz5pd7wc279n7j5db-top-1.0-dev",
        ])
    );
}

#[test]
fn structured_attributes() {
    let structured = r#"
        simple "st" {
          __structuredAttrs = true; outputs = [ "out" "b" ]; list = [ 1 2.5 "x" /hello.txt ]; d = dep.out; n = null;
          set = { z = 1; a = { outPath = dep.out; }; }; b = "own"; allowedReferences = [ ];
        }
    "#;
    assert_eq!(
        eval(&format!("let s = {structured}; in [ s.drvPath s.out s.b ]")),
        strings(&[
            "/nix/store/skd4zfr110j7bxrcq9d8l826w2wxnjml-st.drv",
            "/nix/store/p60dp7vjjksgwryl0fyysn2rshk0s89r-st",
            "/nix/store/5rc8h60krr3mj2w0dd0a91rpy2xy3h1i-st-b",
        ])
    );
    assert_eq!(
        eval(r#"(simple "st2" { __json = ''{ "z" : [ 1.0, 1e3 ], "a": "é" }''; }).drvPath"#),
        "\"/nix/store/sj59q3ws7x574z5f9v87nk7bnvafjnsj-st2.drv\""
    );
}

#[test]
fn fixed_outputs() {
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let of = |name: &str, more: &str| {
        eval(&format!(
            "(simple \"{name}\" {{ outputHash = \"{hash}\"; outputHashAlgo = \"sha256\"; {more} }}).out"
        ))
    };
    assert_eq!(
        of("fod", ""),
        "\"/nix/store/4yfk9q43irhw1r79i1pvbva1zd0677j1-fod\""
    );
    assert_eq!(
        of("fodr", "outputHashMode = \"recursive\";"),
        "\"/nix/store/1dv2rgkkc16pf6mmkic4l22m656zy9q5-fodr\""
    );
}

#[test]
fn errors() {
    let error = |more: &str| eval(&format!("(simple \"x\" {{ {more} }}).drvPath"));
    assert_eq!(
        error("builder = \"\";"),
        "error: required attribute 'builder' missing"
    );
    assert_eq!(
        error("system = null;"),
        "error: required attribute 'system' missing"
    );
    assert_eq!(
        error("outputs = [ ];"),
        "error: derivation cannot have an empty set of outputs"
    );
    assert_eq!(
        error("outputs = [ \"a\" \"a\" ];"),
        "error: duplicate derivation output 'a'"
    );
    assert_eq!(
        error("outputHashMode = \"tree\";"),
        "error: invalid value 'tree' for 'outputHashMode' attribute"
    );
    assert_eq!(
        error("__impure = true;"),
        "error: experimental Nix feature 'impure-derivations' is disabled; add '--extra-experimental-features impure-derivations' to enable it"
    );
    assert_eq!(
        eval("simple \"a/b\" { }"),
        "error: invalid derivation name: name 'a/b' contains illegal character '/'. Please pass a different 'name'."
    );
    assert_eq!(
        eval("simple \"a.drv\" { }"),
        "error: derivation names are allowed to end in '.drv' only if they produce a single derivation file"
    );
}

#[test]
fn deep_context_takes_the_whole_graph() {
    for read_only in [false, true] {
        let settings = Settings {
            read_only,
            ..Settings::default()
        };
        let source = r#"
            let
              dep = derivationStrict { name = "dep"; system = "x86_64-linux"; builder = "/bin/sh"; };
              mid = derivationStrict { name = "mid"; system = "x86_64-linux"; builder = "/bin/sh"; d = dep.out; };
              top = derivationStrict { name = "top"; system = "x86_64-linux"; builder = "/bin/sh"; m = mid.drvPath; };
            in top.drvPath
        "#;
        let shown = with_evaluator(&[], settings, |ev| json(ev, source).expect("a path"));
        assert_eq!(shown, "\"/nix/store/bwkcav2v3294p5jy8z6kincx33cp9qjw-top.drv\"");
    }
}
