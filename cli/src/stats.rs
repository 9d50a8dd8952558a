//! What the evaluator counted, as JSON with the reference's keys (`NIX_SHOW_STATS`, `NIX_COUNT_CALLS`).
//!
//! The keys name the nearest thing that nivis has: an "env" is what a closure captured, a "value" a lazy cell.

use crate::env::Environment;
use crate::failure::{Failure, Result};
use crate::output::complain;
use crate::session::Session;
use nivis_eval::evaluator::Evaluator;
use nivis_lang::position::{Origin, Pos};
use nivis_lang::symbol::Symbol;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Bytes of a word, of which all objects are made.
const WORD: u64 = 8;

/// Shows the statistics if the environment asks for them.
pub(crate) fn show(session: &Session, environment: &Environment) -> Result<()> {
    if !environment.show_stats {
        return Ok(());
    }
    let mut statistics = collect(&session.ev);
    if environment.count_calls {
        statistics.append(&mut calls(&session.ev));
    }
    let mut text = serde_json::to_string_pretty(&statistics).unwrap_or_default();
    match &environment.show_stats_path {
        None => complain(&text),
        Some(path) => {
            text.push('\n');
            std::fs::write(path, text)
                .map_err(|error| Failure::Plain(format!("cannot write '{}': {error}", path.display())))?;
        }
    }
    Ok(())
}

fn cpu_seconds() -> f64 {
    getrusage(UsageWho::RUSAGE_SELF)
        .map(|usage| usage.user_time().num_microseconds() as f64 / 1e6)
        .unwrap_or_default()
}

fn collect(ev: &Evaluator) -> BTreeMap<&'static str, Value> {
    let (stats, counters) = (&ev.stats, &ev.heap.counters);
    let symbol_bytes: usize = (0..ev.symbol_count())
        .map(|index| ev.name(Symbol::from_index(index)).len())
        .sum();
    let (cells, captures, closures) = (
        counters.cells.get(),
        counters.captures.get(),
        counters.closures.get(),
    );
    let (sets, slots) = (counters.sets.get(), counters.set_slots.get());
    let (lists, elements) = (counters.lists.get(), counters.list_elements.get());
    let cpu = cpu_seconds();
    BTreeMap::from([
        ("cpuTime", json!(cpu)),
        ("time", json!({ "cpu": cpu })),
        (
            "envs",
            json!({ "number": closures, "elements": captures, "bytes": (closures + captures) * WORD }),
        ),
        (
            "list",
            json!({
                "elements": elements,
                "bytes": (lists + elements) * WORD,
                "concats": stats.list_concats.get(),
            }),
        ),
        ("values", json!({ "number": cells, "bytes": cells * WORD })),
        (
            "symbols",
            json!({ "number": ev.symbol_count(), "bytes": symbol_bytes }),
        ),
        (
            "sets",
            json!({ "number": sets, "elements": slots, "bytes": (sets + slots) * WORD }),
        ),
        (
            "sizes",
            json!({ "Env": WORD, "Value": WORD, "Bindings": WORD, "Attr": WORD }),
        ),
        ("nrAvoided", json!(stats.avoided.get())),
        ("nrExprs", json!(stats.expressions.get())),
        ("nrLookups", json!(stats.lookups.get())),
        ("nrOpUpdates", json!(stats.updates.get())),
        ("nrOpUpdateValuesCopied", json!(counters.update_copies.get())),
        ("nrPrimOpCalls", json!(stats.primop_calls.get())),
        ("nrFunctionCalls", json!(stats.function_calls.get())),
        ("nrThunks", json!(cells)),
    ])
}

/// Calls by primop, and by function with the most often called first.
fn calls(ev: &Evaluator) -> BTreeMap<&'static str, Value> {
    let primops: BTreeMap<&str, u64> = ev
        .stats
        .by_primop
        .borrow()
        .iter()
        .map(|(&name, &count)| (name, count))
        .collect();
    let functions = ev.stats.by_function.borrow();
    let mut functions: Vec<_> = functions.values().collect();
    functions.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), code.pos));
    let functions: Vec<Value> = functions
        .into_iter()
        .map(|(code, count)| {
            let mut function = place(ev, code.pos);
            function.insert("name", json!(code.name.get().map(|name| ev.name(name))));
            function.insert("count", json!(count));
            json!(function)
        })
        .collect();
    BTreeMap::from([
        ("primops", json!(primops)),
        ("functions", json!(functions)),
        ("attributes", Value::Null),
    ])
}

fn place(ev: &Evaluator, pos: Pos) -> BTreeMap<&'static str, Value> {
    let mut place = BTreeMap::new();
    if let Some(location) = ev.locate(pos) {
        if let Origin::File(path) = &location.origin {
            place.insert("file", json!(String::from_utf8_lossy(path)));
        }
        place.insert("line", json!(location.line));
        place.insert("column", json!(location.column));
    }
    place
}
