//! Reading, importing and storing files, on the host in memory.

mod answers;

use answers::{answer, json, with_evaluator};
use nivis_eval::settings::{SearchPathElement, Settings};

const FILES: &[(&str, &str)] = &[
    ("/d/default.nix", "{ here = ./.; file = ./f; }"),
    ("/d/f", "text\n"),
    ("/d/sub/x", "1"),
    ("/d/y.nix", "a + b"),
    ("/nul", "a\0b"),
];

fn eval(source: &str) -> String {
    answer(FILES, source)
}

#[test]
fn reading() {
    assert_eq!(eval("builtins.readFile /d/f"), r#""text\n""#);
    assert_eq!(eval("builtins.readFile \"/d/f\""), r#""text\n""#);
    assert_eq!(
        eval("builtins.readDir /d"),
        r#"{"default.nix":"regular","f":"regular","sub":"directory","y.nix":"regular"}"#
    );
    assert_eq!(eval("builtins.readFileType /d/sub"), r#""directory""#);
    assert_eq!(eval("builtins.readFile /no"), "error: path '/no' does not exist");
    assert_eq!(
        eval("builtins.readFile /nul"),
        "error: the contents of the file '/nul' cannot be represented as a Nix string"
    );
}

#[test]
fn existence() {
    for (path, exists) in [
        ("/d", true),
        ("/d/no", false),
        ("\"/d/\"", true),
        ("\"/d/f/\"", false),
        ("\"/d/sub/.\"", true),
        ("/d/f/x", false),
    ] {
        assert_eq!(
            eval(&format!("builtins.pathExists {path}")),
            exists.to_string(),
            "{path}"
        );
    }
}

#[test]
fn importing() {
    assert_eq!(eval("toString (import /d).file"), r#""/d/f""#);
    assert_eq!(eval("toString (import \"/d\").here"), r#""/d""#);
    assert_eq!(eval("scopedImport { a = 1; b = 2; } /d/y.nix"), "3");
    assert_eq!(
        eval("import /d/sub"),
        "error: path '/d/sub/default.nix' does not exist"
    );
}

#[test]
fn texts() {
    assert_eq!(
        eval("builtins.toFile \"a\" \"b\""),
        r#""/nix/store/g76zcpqc540lrc8i6g7xy6ip0npn2hnp-a""#
    );
    assert_eq!(
        eval("builtins.getContext (builtins.toFile \"a\" \"b\")"),
        r#"{"/nix/store/g76zcpqc540lrc8i6g7xy6ip0npn2hnp-a":{"path":true}}"#
    );
    assert_eq!(
        eval("builtins.toFile \"a\" (derivation { name = \"x\"; system = \"x\"; builder = \"b\"; }).outPath"),
        "error: files created by builtins.toFile may not reference derivations, but a references !out!c04a452gw5xy48g645vb5r5gph5qjmia-x.drv"
    );
}

#[test]
fn sources() {
    assert_eq!(
        eval("builtins.path { path = /d/sub/x; name = \"n\"; recursive = false; }"),
        eval(
            "builtins.path { path = /d/sub/x; name = \"n\"; recursive = false; sha256 = builtins.hashString \"sha256\" \"1\"; }"
        )
    );
    // What is below a folder that is left out is not asked for.
    let without_folders =
        "builtins.filterSource (path: type: assert path != \"/d/sub/x\"; type != \"directory\") /d";
    assert!(eval(without_folders).starts_with("\"/nix/store/"));
    assert_eq!(
        eval("builtins.path { path = /d; filter = path: type: 1; }"),
        "error: expected a Boolean but found an integer: 1"
    );
    assert_eq!(
        eval("builtins.path { path = /d; foo = 1; }"),
        "error: unsupported argument 'foo' to 'builtins.path'"
    );
    assert_eq!(
        eval(
            "builtins.path { path = /d/f; sha256 = \"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"; }"
        ),
        "error: store path mismatch in (possibly filtered) path added from '/d/f'"
    );
}

#[test]
fn search_path() {
    let settings = Settings {
        search_path: vec![
            SearchPathElement::parse(b"p=/d"),
            SearchPathElement::parse(b"/d/sub"),
            SearchPathElement::parse(b"gone=/gone"),
        ],
        ..Settings::default()
    };
    with_evaluator(FILES, settings, |ev| {
        let found = |name: &str| {
            json(ev, &format!("toString <{name}>")).unwrap_or_else(|error| format!("error: {error}"))
        };
        assert_eq!(found("p/f"), r#""/d/f""#);
        assert_eq!(found("p"), r#""/d""#);
        assert_eq!(found("x"), r#""/d/sub/x""#);
        assert_eq!(
            found("gone"),
            "error: file 'gone' was not found in the Nix search path (add it using $NIX_PATH or -I)"
        );
        assert_eq!(
            json(ev, "(builtins.tryEval <no>).success").expect("a value"),
            "false"
        );
    });
}

#[test]
fn fetchurl_comes_along() {
    let fetch = |more: &str| {
        eval(&format!(
            "(import <nix/fetchurl.nix> {{ url = \"http://example.org/a.txt\"; {more} }}).drvPath"
        ))
    };
    assert_eq!(
        fetch("sha256 = \"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\";"),
        r#""/nix/store/qkaxq3d8l2lxvl3i61gch11k6gjvlrmz-a.txt.drv""#
    );
    assert_eq!(
        fetch("hash = \"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"; unpack = true;"),
        r#""/nix/store/i0mc6f88blzjzkppvavl6xx1izb6534s-a.txt.drv""#
    );
    assert_eq!(
        fetch("md5 = \"d41d8cd98f00b204e9800998ecf8427e\"; name = \"n\"; executable = true;"),
        r#""/nix/store/k1y5sfbw8vs6l4hgrighwfscj4fg04jn-n.drv""#
    );
}

#[test]
fn restrictions() {
    let settings = Settings {
        restrict_eval: true,
        search_path: vec![SearchPathElement::parse(b"p=/d/sub")],
        ..Settings::default()
    };
    with_evaluator(FILES, settings, |ev| {
        let shown = |source: &str| json(ev, source).unwrap_or_else(|error| format!("error: {error}"));
        assert_eq!(shown("builtins.readFile <p/x>"), "\"1\"");
        assert_eq!(
            shown("builtins.readFile /d/f"),
            "error: access to absolute path '/d/f' is forbidden in restricted mode"
        );
        assert_eq!(shown("builtins.pathExists /d/f"), "false");
        assert_eq!(shown("builtins.readDir /d"), r#"{"sub":"directory"}"#);
        assert_eq!(shown("builtins.getEnv \"X\""), "\"\"");
        assert_eq!(
            shown("builtins.fetchurl \"https://example.org\""),
            "error: access to URI 'https://example.org' is forbidden in restricted mode"
        );
    });
}
