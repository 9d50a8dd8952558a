//! Code that another evaluator lowered, which had other symbols and found the file elsewhere.

use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::{MemoryCode, MemoryHost};
use nivis_eval::settings::Settings;
use nivis_lang::Lint;
use std::rc::Rc;

/// Evaluates code as a file; gives the result, or the message of the error and its place.
fn eval(code: &str, file: &str, cache: &Rc<MemoryCode>, settings: Settings) -> String {
    let mut host = MemoryHost::new();
    host.files.insert(file.into(), code.into());
    host.code = Some(cache.clone());
    let ev = Evaluator::new(Box::new(host), settings);
    nivis_primops::install(&ev).expect("the base scope is defined");
    // One of them has the symbols in an order of its own.
    if file.starts_with("/other") {
        let names: Vec<&str> = code.split(|c: char| !c.is_alphanumeric()).collect();
        names.iter().rev().for_each(|name| _ = ev.intern(name.as_bytes()));
    }
    let result = ev.import(file.as_bytes());
    match result.and_then(|value| ev.force_deep(value.slot())) {
        Ok(value) => {
            let mut text = vec![];
            ev.print_ambiguous(value, &mut text).expect("printed");
            String::from_utf8_lossy(&text).into_owned()
        }
        Err(error) => {
            let details = error.details();
            format!("{} at {}", details.message, ev.show_position(details.pos))
        }
    }
}

fn read_only() -> Settings {
    Settings {
        read_only: true,
        ..Settings::default()
    }
}

/// Programs with every kind of expression.
const PROGRAMS: &[&str] = &[
    r#"let z = 1; y = z + 1.5; a = [ z y (-z) "text" "${toString z}s" null true ]; inherit (builtins) map; in
       { inherit a z; "${"dy"}namic" = map (x: x * 2) [ z 3 ]; long = 9223372036854775807; low = -9223372036854775807; }"#,
    r#"rec { z = b; b = a + 1; a = 1; inherit (c) d e; c = { d = z; e = "${d'}"; }; d' = "q"; ${"f"} = a; g = rec { a = z; h = a; }; }"#,
    r#"let f = { b, a ? b + c, c ? 3, ... }@all: [ a b c (all.d or "none") (all ? d) (all ? e.f) ]; in
       [ (f { b = 1; }) (f { b = 1; a = 2; d = 4; }) (builtins.functionArgs f) (({ x, y }: x - y) { y = 1; x = 5; }) ]"#,
    r#"let f = { z, m ? k, k ? z, a ? m, y ? a, b ? y + a, ... }: [ a b k m y z ]; in
       [ (f { z = 1; }) (f { z = 1; y = 5; }) (f { z = 1; k = 2; m = 3; }) (f { a = 7; z = 0; }) (f { z = 2; more = 1; }) ]"#,
    r#"with { a = 1; b.c.d = 2; }; with { e = a; }; [ e b.c.d (b.c.x or a) (b ? c.d) (if a == 1 && !(e != 1) || false then "y" else "n")
       (true -> false) (a < 2) (a <= 2) (3 > 2) (a / 1) ({ x = 1; } // { x = 2; y = 3; }) ([ 1 ] ++ [ 2 ]) (assert a == 1; "ok") ]"#,
    r#"let pair = first: second: { inherit first second; }; curried = a: b: c: [ c b a ]; in
       [ (pair 1 2) (curried 1 2 3) ((x: y: x + y) "a" "b") __curPos.line (__curPos.file == toString ./here) ''
         indented ${"text"}
       '' ]"#,
    r#"rec { b = 2; a = 1; c = a + b; __overrides = { a = 10; z = 5; }; list = [ a b c ]; padding = "so that the code of this file is kept"; }"#,
    r#"let a = { padding = "any text that is somewhat longer"; }; in a.missing.name"#,
    r#"({ needed, other, also }: needed) { other = "the names that are missing, in the order of the symbols of the file"; }"#,
    r#"let x = { padding = "so that the code of this file is kept by the cache of the code"; }; in assert x == { y = 1; }; x"#,
    r#"{ strings = "a\n\t\"\\ $${"; numbers = [ 0 1 127 128 16383 16384 (-1) 1.5e300 0.1 ]; padding = "so that it is kept, and more than that"; }"#,
];

#[test]
fn kept_code_is_the_code() {
    for code in PROGRAMS {
        let cache = Rc::default();
        let first = eval(code, "/one/file.nix", &cache, read_only());
        assert_eq!(cache.found(), 0);
        let again = eval(code, "/one/file.nix", &cache, read_only());
        assert_eq!((&again, cache.found()), (&first, 1), "{code}");
        let elsewhere = eval(code, "/other/file.nix", &cache, read_only());
        let uncached = eval(code, "/other/file.nix", &Rc::default(), read_only());
        assert_eq!((&elsewhere, cache.found()), (&uncached, 2), "{code}");
    }
}

#[test]
fn paths_belong_to_where_the_file_lies() {
    let code = r#"[ ./a ../b ./. /absolute/path (./dir/. + "/x") ./c${"d"}/e "any text" ]"#;
    let cache = Rc::default();
    eval(code, "/one/two/file.nix", &cache, read_only());
    let moved = eval(code, "/other/file.nix", &cache, read_only());
    assert_eq!(cache.found(), 1);
    assert_eq!(moved, eval(code, "/other/file.nix", &Rc::default(), read_only()));
    assert!(
        moved.starts_with("[ /other/a /b /other /absolute/path /other/dir/x /other/cd/e"),
        "{moved}"
    );
}

#[test]
fn what_depends_on_more_than_the_text_is_not_kept() {
    let long = "any text";
    let kept = |code: &str, settings: &dyn Fn() -> Settings| {
        let cache = Rc::default();
        eval(code, "/one/file.nix", &cache, settings());
        eval(code, "/one/file.nix", &cache, settings());
        cache.found() == 1
    };
    let at_home = || Settings {
        home: Some(b"/home/one".to_vec()),
        ..read_only()
    };
    let warning = || Settings {
        url_literals: Lint::Warn,
        ..read_only()
    };
    assert!(kept(&format!("[ \"{long}\" ]"), &at_home));
    assert!(!kept(&format!("[ ~/file \"{long}\" ]"), &at_home));
    // Whoever loads it is to be warned.
    assert!(kept(&format!("[ http://host/path \"{long}\" ]"), &read_only));
    assert!(!kept(&format!("[ http://host/path \"{long}\" ]"), &warning));
    assert!(!kept(&format!("[ undefined \"{long}\" ]"), &read_only));
    assert!(!kept(&format!("[ ) \"{long}\" ]"), &read_only));
}

#[test]
fn settings_are_part_of_the_key() {
    let code = r#"[ (1 |> (x: x + 1)) "any text" ]"#;
    let mut with_pipes = read_only();
    with_pipes.features.insert("pipe-operators".to_owned());
    let cache = Rc::default();
    assert!(eval(code, "/one/file.nix", &cache, with_pipes).starts_with("[ 2"));
    assert!(!eval(code, "/one/file.nix", &cache, read_only()).starts_with("[ 2"));
    assert_eq!(cache.found(), 0);
}
