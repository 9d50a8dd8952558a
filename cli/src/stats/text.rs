//! The statistics for reading: the counters, then what was called and selected, most often first.

use nivis_eval::evaluator::Evaluator;
use nivis_lang::position::Pos;
use serde_json::Value;

/// What the counters mean, in the order that they are shown in.
const COUNTERS: &[(&str, &[&str])] = &[
    ("seconds of CPU time", &["cpuTime"]),
    ("bytes taken by values", &["gc", "totalBytes"]),
    ("lazy cells (thunks)", &["nrThunks"]),
    ("thunks avoided", &["nrAvoided"]),
    ("closures", &["envs", "number"]),
    ("captured values", &["envs", "elements"]),
    ("sets", &["sets", "number"]),
    ("attributes of sets", &["sets", "elements"]),
    ("updates (//)", &["nrOpUpdates"]),
    ("values that updates copied", &["nrOpUpdateValuesCopied"]),
    ("list elements", &["list", "elements"]),
    ("list concatenations (++)", &["list", "concats"]),
    ("selections", &["nrLookups"]),
    ("calls of primops", &["nrPrimOpCalls"]),
    ("calls of functions", &["nrFunctionCalls"]),
    ("symbols", &["symbols", "number"]),
    ("nodes of code", &["nrExprs"]),
];

/// The report.
pub(crate) fn report(ev: &Evaluator) -> String {
    let statistics = super::collect(ev);
    let mut lines: Vec<String> = COUNTERS
        .iter()
        .filter_map(|(what, path)| {
            let (first, rest) = path.split_first()?;
            let value = statistics.get(first)?;
            let value = rest.iter().try_fold(value, |value, key| value.get(key))?;
            Some(format!("{} {what}", number(value)))
        })
        .collect();
    if let Some(counts) = &*ev.watch.counts() {
        let primops = counts.primops();
        heading(&mut lines, primops.iter().map(|row| row.1), "primops called");
        lines.extend(
            primops
                .iter()
                .map(|(name, count)| format!("{} {name}", right(count))),
        );
        let functions = counts.functions();
        heading(&mut lines, functions.iter().map(|row| row.1), "functions called");
        lines.extend(functions.iter().map(|(code, count)| {
            let name = code
                .name
                .get()
                .map_or_else(|| "(no name)".to_owned(), |name| ev.name(name));
            format!("{} {name}  {}", right(count), position(ev, code.pos))
        }));
        let attributes = counts.attributes();
        heading(
            &mut lines,
            attributes.iter().map(|row| row.1),
            "attributes selected",
        );
        lines.extend(
            attributes
                .iter()
                .map(|&(pos, count)| format!("{} {}", right(count), position(ev, pos))),
        );
    }
    lines.join("\n")
}

/// How many distinct things there were, and how often all of them together.
fn heading(lines: &mut Vec<String>, counts: impl ExactSizeIterator<Item = u64>, what: &str) {
    lines.push(String::new());
    let distinct = counts.len();
    lines.push(format!(
        "{distinct} distinct {what}, {} times in all",
        counts.sum::<u64>()
    ));
}

fn number(value: &Value) -> String {
    match value.as_u64() {
        Some(number) => right(number),
        None => format!("{:>14.3}", value.as_f64().unwrap_or_default()),
    }
}

fn right(number: impl std::fmt::Display) -> String {
    format!("{number:>14}")
}

fn position(ev: &Evaluator, pos: Pos) -> String {
    match pos.is_some() {
        true => ev.show_position(pos),
        false => "undefined position".to_owned(),
    }
}
