//! What the evaluator counted (`NIX_SHOW_STATS`, `NIX_COUNT_CALLS`): as JSON with the reference's keys, or for reading.
//!
//! The keys name the nearest thing that nivis has: an "env" is what a closure captured, a "value" a lazy cell. What each
//! means is in `docs/profiling.md`.

mod text;

use crate::env::{Environment, StatsFormat};
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
pub(crate) use text::report as text;

/// Bytes of a word, of which all objects are made.
const WORD: u64 = 8;

/// Shows the statistics if the environment asks for them.
pub(crate) fn show(session: &Session, environment: &Environment) -> Result<()> {
    if !environment.show_stats {
        return Ok(());
    }
    let ev = &session.ev;
    let mut text = match environment.show_stats_format {
        StatsFormat::Json => {
            let mut statistics = collect(ev);
            statistics.append(&mut calls(ev));
            serde_json::to_string_pretty(&statistics).unwrap_or_default()
        }
        StatsFormat::Text => text(ev),
    };
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
    let collecting = counters.collecting.get() as f64 / 1e9;
    BTreeMap::from([
        ("cpuTime", json!(cpu)),
        (
            "time",
            json!({ "cpu": cpu, "gc": collecting, "gcFraction": collecting / cpu.max(1e-6) }),
        ),
        (
            "gc",
            json!({
                "cycles": counters.collections.get(),
                "heapSize": ev.heap.reserved_bytes(),
                "totalBytes": ev.heap.used_bytes(),
            }),
        ),
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

/// Calls by primop and by function, and selections by the attribute's position, those with the most first. Nothing if
/// calls were not counted; `null` for selections if there were none.
fn calls(ev: &Evaluator) -> BTreeMap<&'static str, Value> {
    let counts = ev.watch.counts();
    let Some(counts) = &*counts else {
        return BTreeMap::new();
    };
    let primops: BTreeMap<&str, u64> = counts.primops().into_iter().collect();
    let functions = counts.functions().into_iter().map(|(code, count)| {
        let mut function = place(ev, code.pos);
        function.insert("name", json!(code.name.get().map(|name| ev.name(name))));
        function.insert("count", json!(count));
        json!(function)
    });
    let attributes = counts.attributes().into_iter().map(|(pos, count)| {
        let mut attribute = place(ev, pos);
        attribute.insert("count", json!(count));
        json!(attribute)
    });
    let attributes: Vec<Value> = attributes.collect();
    BTreeMap::from([
        ("primops", json!(primops)),
        ("functions", json!(functions.collect::<Vec<Value>>())),
        (
            "attributes",
            match attributes.is_empty() {
                true => Value::Null,
                false => json!(attributes),
            },
        ),
    ])
}

fn place(ev: &Evaluator, pos: Pos) -> BTreeMap<&'static str, Value> {
    let mut place = BTreeMap::new();
    if let Some(location) = ev.locate(pos) {
        if let Origin::File(path) = &location.origin {
            place.insert("file", json!(String::from_utf8_lossy(path)));
        } else if let Some((file, _)) = ev.show_position(pos).split_once(":")
            && file.starts_with("«nix-internal»")
        {
            place.insert("file", json!(file));
        }
        place.insert("line", json!(location.line));
        place.insert("column", json!(location.column));
    }
    place
}
