//! The language without builtins: scopes, laziness, sets, calls, on the host in memory.

use nivis_eval::error::{Error, Kind};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::MemoryHost;
use nivis_eval::settings::Settings;
use nivis_eval::value::{Slot, Unpacked, Value};
use nivis_lang::position::{Origin, Pos};
use std::sync::Arc;

fn with_evaluator<T: Send>(run: impl FnOnce(&Evaluator) -> T + Send) -> T {
    const STACK: usize = 256 << 20;
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || {
                let ev = Evaluator::new(Box::new(MemoryHost::new()), Settings::default());
                ev.set_native_stack(STACK);
                ev.define_base_scope(
                    vec![
                        ("true".to_owned(), Value::TRUE.slot()),
                        ("false".to_owned(), Value::FALSE.slot()),
                        ("null".to_owned(), Value::NULL.slot()),
                    ],
                    vec![],
                );
                run(&ev)
            });
        thread.expect("a thread").join().expect("no panic")
    })
}

fn show(ev: &Evaluator, slot: Slot) -> Result<String, Error> {
    Ok(match ev.force(slot, Pos::NONE)?.unpack() {
        Unpacked::Null => "null".to_owned(),
        Unpacked::Bool(b) => b.to_string(),
        Unpacked::Int(i) => i.to_string(),
        Unpacked::Float(f) => f.to_string(),
        Unpacked::String(s) => format!("{:?}", String::from_utf8_lossy(s.bytes())),
        Unpacked::Path(p) => String::from_utf8_lossy(p).into_owned(),
        Unpacked::List(list) => {
            let elements = list
                .iter()
                .map(|&slot| show(ev, slot))
                .collect::<Result<Vec<_>, _>>()?;
            format!("[{}]", elements.join(" "))
        }
        Unpacked::Attrs(set) => {
            let attrs = ev
                .sorted_entries(set)
                .map(|entry| Ok(format!("{}={}", ev.name(entry.name), show(ev, entry.slot)?)))
                .collect::<Result<Vec<_>, Error>>()?;
            format!("{{{}}}", attrs.join(" "))
        }
        Unpacked::Function(_) => "<fn>".to_owned(),
    })
}

fn eval(source: &str) -> Result<String, Error> {
    with_evaluator(|ev| {
        let origin = Origin::String(Arc::from(source.as_bytes()));
        let value = ev.eval_text(source.as_bytes(), origin, b"/")?;
        show(ev, value.slot())
    })
}

fn check(source: &str, expected: &str) {
    match eval(source) {
        Ok(found) => assert_eq!(found, expected, "{source}"),
        Err(error) => panic!("{source}: {error}"),
    }
}

fn check_fails(source: &str, kind: Kind, message: &str) {
    match eval(source) {
        Ok(found) => panic!("{source}: gives {found}"),
        Err(error) => assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (kind, message),
            "{source}"
        ),
    }
}

#[test]
fn scopes() {
    check("let a = 1; b = a; c = b; in [ a b c ]", "[1 1 1]");
    check("let b = a; a = 1; in b", "1");
    check("let f = x: y: z: [ x y z ]; in f 1 2 3", "[1 2 3]");
    check("let x = 1; in let f = y: let z = x; in z + y; x = 2; in f 3", "5");
    check("let a = 0; in with { a = 1; }; a", "0");
    check("with { a = 1; }; with { b = 2; }; [ a b ]", "[1 2]");
    check("with { a = 1; }; with { a = 2; }; a", "2");
    check("(with { true = 1; }; true) == true", "true");
    check("let s = { x = 1; y = 2; }; inherit (s) x y; in x + y", "3");
    check("let x = 1; in { inherit x; y = x; }", "{x=1 y=1}");
    check_fails("a", Kind::UndefinedVariable, "undefined variable 'a'");
    check_fails("with { }; a", Kind::UndefinedVariable, "undefined variable 'a'");
}

#[test]
fn sets() {
    check("rec { a = b; b = c; c = 3; }", "{a=3 b=3 c=3}");
    check("rec { x = 1; __overrides = { x = 2; y = 3; }; z = x; }.z", "2");
    check("rec { x = 1; __overrides = { x = 2; y = 3; }; z = x; }.y", "3");
    check("{ a.b = 1; a.c = 2; }", "{a={b=1 c=2}}");
    check("{ a = 1; b = 2; } // { b = 3; c = 4; }", "{a=1 b=3 c=4}");
    check("{ a = 1; }.b or 2", "2");
    check("{ a = 1; }.a.b or 2", "2");
    check("{ a.b = 1; } ? a.b", "true");
    check("{ a = 1; } ? a.b", "false");
    check("{ ${null} = 1; ${\"x\"} = 2; }", "{x=2}");
    check("let n = \"k\"; in { ${n} = 1; j = 2; }.${n}", "1");
    check_fails("{ a = 1; }.aa", Kind::Eval, "attribute 'aa' missing");
}

#[test]
fn a_small_set_over_a_big_one_looks_like_their_union() {
    let big: String = (0..100).map(|i| format!("k{i} = {i};")).collect();
    let source = format!(
        "let b = {{ {big} }}; l = b // {{ k5 = 1; z = 2; }} // {{ k5 = 3; }}; in [ l.k5 l.z l.k99 (l == l // {{ k5 = 4; }}) (l == b // {{ z = 2; k5 = 3; }}) ]"
    );
    check(&source, "[3 2 99 false true]");
    let many: String = (0..20)
        .map(|i| format!(" // {{ k{i} = \"x\"; n{i} = 1; }}"))
        .collect();
    check(
        &format!("let b = {{ {big} }}; l = b{many}; in [ l.k19 l.k20 l.n0 (l ? n19) ]"),
        "[\"x\" 20 1 true]",
    );
}

#[test]
fn functions() {
    check(
        "({ a, b ? a, ... }@args: [ a b args ]) { a = 1; c = 2; }",
        "[1 1 {a=1 c=2}]",
    );
    check("({ a ? b, b ? 2 }: a) { }", "2");
    check("({ b ? 2, a ? b }: a) { }", "2");
    check("let f = { x ? y, y ? x }: x; in f { y = 5; }", "5");
    check("{ __functor = self: x: self.n + x; n = 1; } 2", "3");
    check("(x: y: x) 1 2", "1");
    check(
        "let f = a: b: c: d: e: f: g: h: i: [ a b c d e f g h i ]; in f 1 2 3 4 5 6 7 8 9",
        "[1 2 3 4 5 6 7 8 9]",
    );
    check_fails(
        "({ a }: a) { }",
        Kind::Type,
        "function 'anonymous lambda' called without required argument 'a'",
    );
    check_fails(
        "({ a }: a) { a = 1; b = 2; }",
        Kind::Type,
        "function 'anonymous lambda' called with unexpected argument 'b'",
    );
}

#[test]
fn laziness() {
    check("(x: 1) (let x = x; in x)", "1");
    check("{ a = 1; b = let x = x; in x; }.a", "1");
    check(
        "let f = x: x; in [ (f == f) ([ f ] == [ f ]) ([ (x: x) ] == [ (x: x) ]) ]",
        "[false true false]",
    );
    check("let f = x: x; in { a = f; } == { a = f; }", "true");
    check(
        "let s = { f = x: x; }; in [ (s == s) ([ s.f ] == [ s.f ]) ]",
        "[true false]",
    );
    check_fails(
        "let x = x; in x",
        Kind::InfiniteRecursion,
        "infinite recursion encountered",
    );
    check_fails(
        "let f = x: 1 + f x; in f 1",
        Kind::StackOverflow,
        "stack overflow; max-call-depth exceeded",
    );
}

#[test]
fn strings_and_numbers() {
    check("\"a${\"b\"}c\" + \"d\"", "\"abcd\"");
    check("1 + 2.5", "3.5");
    check("/a + \"/b/../c\"", "/a/c");
    check("[ 1 ] ++ [ 2 ] ++ [ ]", "[1 2]");
    check("9223372036854775807", "9223372036854775807");
    check("[ (2305843009213693952 == 2305843009213693951 + 1) ]", "[true]");
    check_fails(
        "9223372036854775807 + 1",
        Kind::Eval,
        "integer overflow in adding 9223372036854775807 + 1",
    );
    check_fails(
        "assert 1 == 2; 3",
        Kind::Assertion,
        "an integer with value '1' is not equal to an integer with value '2'",
    );
}

#[test]
fn parsing_alone_finds_undefined_variables_too() {
    let programs = [
        "x",
        "a: b: { c ? d, e ? c }: [ a b c e ]",
        "{ a, b ? a, c ? d }@all: all // { inherit a b c; inherit x; }",
        "let a = b; b = a; inherit (c) d; in e",
        "let inherit a; in a",
        "rec { a = b; b = 1; c = { inherit a b; }; ${d} = a; }",
        "rec { inherit (a) b; a = b; inherit c; }",
        "{ a = 1; b = a; }",
        "{ inherit (rec { a = 1; } // b) a; ${\"a\"} = c; }",
        "with a; b",
        "with { }; [ b (c: with c; d) (let inherit e; in e) ]",
        "(with { }; b) c",
        "(a: a) a",
        "let a = 1; in (let a = 2; in a) + a + b",
        "if a then b else c",
        "assert true; a",
        "!a || b -> c",
        "1 - a * (-b) / c < d",
        "\"${a} ${b}\" + ''${c}''",
        "({ a = 1; }.a or b).${c} or d",
        "{ } ? a.${b}",
        "x: { y = x; z.${x}.w = y; }",
        "map (a: builtins.length b) null",
        "__curPos + ./a/${b}",
    ];
    with_evaluator(|ev| {
        for program in programs {
            let origin = Origin::String(program.as_bytes().into());
            let told = |error: Error| {
                let details = error.details();
                (details.message.clone(), ev.show_position(details.pos))
            };
            let parsed = ev.show_parsed(program.as_bytes(), origin.clone(), b"/").err();
            let lowered = ev.delay_text(program.as_bytes(), origin, b"/").err();
            assert_eq!(parsed.map(told), lowered.map(told), "{program}");
        }
    });
}
