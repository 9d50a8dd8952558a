//! What single operations of the evaluator cost, next to what they may cost.
//!
//! Each operation runs in a loop of [`LOOPS`] rounds, several times a round; the same loop without it is taken off. A name holds
//! the budget in ns: the time that criterion tells is that of a thousand operations, so its µs are the ns of one.

use criterion::{Criterion, criterion_group, criterion_main};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::{Origin, Pos};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rounds of a loop. Few enough that what they make stays in the caches.
const LOOPS: u32 = 200;
/// So many operations are what criterion counts as one.
const UNIT: f64 = 1000.0;

struct Operation {
    name: &'static str,
    /// In ns.
    budget: &'static str,
    /// How often a round does it.
    times: u32,
    /// What is done in a round `i`, with [`SETUP`] around.
    code: &'static str,
    /// What a round does besides.
    rest: &'static str,
}

const fn operation(
    name: &'static str,
    budget: &'static str,
    times: u32,
    code: &'static str,
    rest: &'static str,
) -> Operation {
    Operation {
        name,
        budget,
        times,
        code,
        rest,
    }
}

const SETUP: &str = r#"
  nest = { n = nest; other = 1; };
  identity = x: x;
  first = x: y: x;
  pattern = { a, b, c, d, e }: a;
  two = { a = 1; b = 2; };
  more = { b = 3; c = 4; };
  eight = { a = 1; b = 2; c = 3; d = 4; e = 5; f = 6; g = 7; h = 8; };
  name = i: "name${toString i}";
  many = builtins.listToAttrs (map (i: { name = name i; value = i; }) (builtins.genList identity 30000));
  five = { name1 = 1; name2 = 2; name3 = 3; name4 = 4; name5 = 5; };
  thousand = builtins.genList identity 1000;
  set = builtins.listToAttrs (map (i: { name = name i; value = i; }) thousand);
  text = "a text of 13 b";
  context = builtins.substring 0 14 (derivation { name = "a"; system = "s"; builder = "b"; }).outPath;
  spread = builtins.genList (i: name (i * 7919 - i * 7919 / 30000 * 30000)) 200;
  variables = builtins.listToAttrs (map (i: { name = "variable${toString i}"; value = "${text} ${text} ${text} ${text} ${text}"; }) (builtins.genList identity 30));
"#;

const OPERATIONS: &[Operation] = &[
    operation(
        "make a thunk of one capture",
        "3",
        4,
        "first 0 [ (i + 1) (i + 2) (i + 3) (i + 4) ]",
        "first 0 [ i i i i ]",
    ),
    operation(
        "force a suspended expression",
        "8",
        1,
        "identity (i + 1)",
        "first (i + 1) i",
    ),
    operation(
        "select, cached",
        "1.5",
        8,
        "((((((((nest.n).n).n).n).n).n).n).n)",
        "nest",
    ),
    operation(
        "select one of 30,000, not cached",
        "15",
        1,
        "many.${builtins.elemAt spread i}",
        "builtins.elemAt spread i",
    ),
    operation("call of one argument", "12", 1, "identity i", "i"),
    operation("call of two arguments", "15", 1, "first i i", "i"),
    operation(
        "call with a pattern of five, the set literal",
        "30",
        1,
        "pattern { a = i; b = i; c = i; d = i; e = i; }",
        "i",
    ),
    operation("call of a primop", "6", 1, "builtins.isAttrs i", "i"),
    operation(
        "set of three thunks",
        "15",
        1,
        "{ a = i + 1; b = i + 2; c = i + 3; }",
        "i",
    ),
    operation("union, 2 and 2", "8", 1, "two // more", "two"),
    operation("union, 8 and 2", "12", 1, "eight // more", "eight"),
    operation("union, 30,000 and 5", "40", 1, "many // five", "many"),
    operation(
        "mapAttrs, for each attribute, none looked at",
        "0.3",
        1000,
        "builtins.mapAttrs first set",
        "set",
    ),
    operation(
        "map, for each element, none looked at",
        "0.3",
        1000,
        "map identity thousand",
        "thousand",
    ),
    operation(
        "list concatenation, for each element",
        "0.5",
        2000,
        "thousand ++ thousand",
        "thousand",
    ),
    operation(
        "interpolation of three parts, 40 bytes",
        "25",
        1,
        "\"${text}${text}${text}\"",
        "text",
    ),
    operation(
        "interpolation, with a context",
        "40",
        1,
        "\"${text}${context}${text}\"",
        "text",
    ),
    operation(
        "derivation of 30 variables",
        "27500",
        1,
        "(derivation (variables // { name = name i; system = \"x\"; builder = \"b\"; })).drvPath",
        "name i",
    ),
];

fn evaluate(ev: &Evaluator, text: &str) -> Value {
    let origin = Origin::String(Arc::from(text.as_bytes()));
    ev.eval_text(text.as_bytes(), origin, b"/").expect("it evaluates")
}

/// A function that runs a loop, and what it is to be given.
fn make_loop(ev: &Evaluator, body: &str) -> (Value, Slot) {
    let text = format!("let {SETUP} in rounds: builtins.foldl' (last: i: {body}) null rounds");
    let rounds = evaluate(ev, &format!("builtins.genList (i: i) {LOOPS}"));
    (evaluate(ev, &text), rounds.slot())
}

fn measure(ev: &Evaluator, (function, rounds): (Value, Slot)) -> Duration {
    let start = Instant::now();
    let result = ev.call(function, &[rounds], Pos::NONE);
    let took = start.elapsed();
    black_box(result.expect("it evaluates"));
    took
}

fn operations(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("operations");
    for operation in OPERATIONS {
        let ev = nivis_benches::evaluator();
        let whole = make_loop(&ev, operation.code);
        let rest = make_loop(&ev, operation.rest);
        let scale = UNIT / f64::from(LOOPS * operation.times);
        group.bench_function(
            format!("{} (budget {})", operation.name, operation.budget),
            |bencher| {
                bencher.iter_custom(|times| {
                    let (mut with, mut without) = (Duration::ZERO, Duration::ZERO);
                    for _ in 0..times {
                        with += measure(&ev, whole);
                        without += measure(&ev, rest);
                    }
                    // Less than nothing is what the clock cannot tell from nothing.
                    with.saturating_sub(without)
                        .max(Duration::from_nanos(times))
                        .mul_f64(scale)
                });
            },
        );
    }
    group.finish();
}

/// Lexing, parsing and resolving, for each byte of a program like those of nixpkgs.
fn loading(criterion: &mut Criterion) {
    let package = r#"
  example = callPackage ({ lib, stdenv, fetchurl, openssl, zlib }: stdenv.mkDerivation rec {
    pname = "example"; version = "1.2.3";
    src = fetchurl { url = "mirror://example/${pname}-${version}.tar.gz"; hash = "sha256-AAAA"; };
    buildInputs = [ openssl zlib ] ++ lib.optionals stdenv.hostPlatform.isDarwin [ stdenv ];
    postInstall = ''
      mkdir -p $out/share/doc
      cp README.md ''${src} $out/share/doc
    '';
    meta = with lib; { description = "An example"; license = licenses.mit; platforms = platforms.unix; };
  }) { };
"#;
    let text = format!("{{ callPackage }}: {{ {package} }}");
    let ev = nivis_benches::evaluator();
    let mut group = criterion.benchmark_group("loading");
    group.bench_function("parse and resolve a byte (budget 5.5)", |bencher| {
        bencher.iter_custom(|times| {
            let start = Instant::now();
            for _ in 0..times {
                let origin = Origin::Stdin(Arc::from(&b""[..]));
                black_box(ev.delay_text(text.as_bytes(), origin, b"/").expect("it parses"));
            }
            start.elapsed().mul_f64(UNIT / text.len() as f64)
        });
    });
    group.finish();
}

fn short() -> Criterion {
    // Nothing is freed while a process measures.
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(30))
        .measurement_time(Duration::from_millis(60))
        .without_plots()
}

criterion_group! { name = all; config = short(); targets = operations, loading }
criterion_main!(all);
