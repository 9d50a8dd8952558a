//! A profile as tables: functions, files, attributes.

use super::stacks::common_prefix;
use super::totals;
use crate::failure::{Failure, Result};
use nivis_eval::profile::{AttributeRow, Cost, Kind, Place, Profile, Row};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What rows are sorted by, the most first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Order {
    /// Time of their own.
    #[default]
    SelfTime,
    /// Time in all.
    TotalTime,
    /// Bytes of their own.
    SelfBytes,
    /// Bytes in all.
    TotalBytes,
    /// Calls.
    Calls,
    /// Thunks made.
    Thunks,
    /// Thunks made and never forced.
    NeverForced,
}

impl Order {
    /// All of them, with what the user calls them.
    pub(super) const ALL: [(&'static str, Order); 7] = [
        ("self", Order::SelfTime),
        ("total", Order::TotalTime),
        ("bytes", Order::SelfBytes),
        ("total-bytes", Order::TotalBytes),
        ("calls", Order::Calls),
        ("thunks", Order::Thunks),
        ("unforced", Order::NeverForced),
    ];

    pub(super) fn parse(name: &str) -> Result<Order> {
        let found = Order::ALL.iter().find(|(known, _)| *known == name);
        found.map(|&(_, order)| order).ok_or_else(|| {
            let names = Order::ALL.map(|(name, _)| name).join(", ");
            Failure::Usage(format!("cannot sort by '{name}', only by {names}"))
        })
    }

    /// The number that a row is sorted by.
    pub(super) fn of(self, row: &Row) -> u64 {
        match self {
            Order::Calls => row.calls,
            Order::Thunks => row.made,
            Order::NeverForced => row.never_forced,
            _ => self.of_cost(&row.cost),
        }
    }

    /// The number that a cost is sorted by; there are only times and bytes.
    fn of_cost(self, cost: &Cost) -> u64 {
        match self {
            Order::TotalTime => cost.total_nanos,
            Order::SelfBytes => cost.self_bytes,
            Order::TotalBytes => cost.total_bytes,
            _ => cost.self_nanos,
        }
    }
}

/// What a file's functions took together.
struct File<'p> {
    path: &'p str,
    calls: u64,
    made: u64,
    never_forced: u64,
    cost: Cost,
}

/// All tables, with so many rows each.
pub(super) fn report(profile: &Profile, rows: usize, order: Order) -> String {
    let prefix = common_prefix(profile);
    let mut out = summary(profile);
    functions(&mut out, profile, rows, order, &prefix);
    files(&mut out, profile, rows, order, &prefix);
    attributes(&mut out, profile, rows, order, &prefix);
    if !prefix.is_empty() {
        let _ = writeln!(out, "\nFiles are below {prefix}");
    }
    out
}

fn summary(profile: &Profile) -> String {
    let functions = profile
        .rows
        .iter()
        .filter(|row| row.function.kind == Kind::Function);
    let primops = profile
        .rows
        .iter()
        .filter(|row| row.function.kind == Kind::Primop);
    let (made, never_forced) = profile.rows.iter().fold((0, 0), |(made, never), row| {
        (made + row.made, never + row.never_forced)
    });
    format!(
        "{} s, {} MB in values\n\
         {} calls of {} functions, {} of {} primops\n\
         {made} thunks, {never_forced} of them never forced ({}); {} elements of map and its kin, {} never forced\n",
        seconds(profile.nanos),
        megabytes(profile.bytes),
        functions.clone().map(|row| row.calls).sum::<u64>(),
        functions.count(),
        primops.clone().map(|row| row.calls).sum::<u64>(),
        primops.count(),
        percent(never_forced, made),
        profile.applications,
        profile.applications.saturating_sub(profile.applications_forced),
    )
}

const COSTS: &str = "    self s      %   total s   self MB  total MB";

fn costs(cost: &Cost, profile: &Profile) -> String {
    format!(
        "{:>10} {:>6} {:>9} {:>9} {:>9}",
        seconds(cost.self_nanos),
        percent(cost.self_nanos, profile.nanos),
        seconds(cost.total_nanos),
        megabytes(cost.self_bytes),
        megabytes(cost.total_bytes)
    )
}

fn functions(out: &mut String, profile: &Profile, rows: usize, order: Order, prefix: &str) {
    let mut sorted: Vec<&Row> = profile.rows.iter().collect();
    sorted.sort_by_key(|row| Reverse(order.of(row)));
    let _ = writeln!(out, "\n{COSTS}     calls    thunks  unforced  function");
    for row in sorted.iter().take(rows) {
        let _ = writeln!(
            out,
            "{} {:>9} {:>9} {:>9}  {}",
            costs(&row.cost, profile),
            row.calls,
            row.made,
            row.never_forced,
            super::stacks::frame(&row.function, prefix)
        );
    }
    rest(out, sorted.len(), rows);
}

fn files(out: &mut String, profile: &Profile, rows: usize, order: Order, prefix: &str) {
    let mut sorted = by_file(profile);
    sorted.sort_by_key(|file| {
        Reverse(match order {
            Order::Calls => file.calls,
            Order::Thunks => file.made,
            Order::NeverForced => file.never_forced,
            _ => order.of_cost(&file.cost),
        })
    });
    let _ = writeln!(out, "\n{COSTS}     calls    thunks  unforced  file");
    for file in sorted.iter().take(rows) {
        let _ = writeln!(
            out,
            "{} {:>9} {:>9} {:>9}  {}",
            costs(&file.cost, profile),
            file.calls,
            file.made,
            file.never_forced,
            file.path.strip_prefix(prefix).unwrap_or(file.path)
        );
    }
    rest(out, sorted.len(), rows);
}

/// What the functions of each file took. Totals come from samples, for bytes, too.
fn by_file(profile: &Profile) -> Vec<File<'_>> {
    let mut files: Vec<File<'_>> = vec![];
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    let mut file_of: Vec<Option<usize>> = vec![];
    for row in &profile.rows {
        let Some(place) = &row.function.place else {
            file_of.push(None);
            continue;
        };
        let index = *known.entry(&place.file).or_insert_with(|| {
            files.push(File {
                path: &place.file,
                calls: 0,
                made: 0,
                never_forced: 0,
                cost: Cost::default(),
            });
            files.len() - 1
        });
        file_of.push(Some(index));
        let file = &mut files[index];
        file.calls += row.calls;
        file.made += row.made;
        file.never_forced += row.never_forced;
        file.cost.self_nanos += row.cost.self_nanos;
        file.cost.self_bytes += row.cost.self_bytes;
    }
    let group = |function: u32| file_of.get(function as usize).copied().flatten();
    let sums = totals::by_group(&profile.tree, files.len(), group);
    for (file, sum) in files.iter_mut().zip(sums) {
        file.cost.total_nanos = sum.nanos;
        file.cost.total_bytes = sum.bytes;
    }
    files
}

fn attributes(out: &mut String, profile: &Profile, rows: usize, order: Order, prefix: &str) {
    let mut sorted: Vec<&AttributeRow> = profile.attributes.iter().collect();
    sorted.sort_by_key(|row| {
        Reverse(match order {
            Order::Calls | Order::Thunks | Order::NeverForced => row.evaluated,
            _ => order.of_cost(&row.cost),
        })
    });
    let _ = writeln!(out, "\n{COSTS} evaluated  attribute");
    for row in sorted.iter().take(rows) {
        let _ = writeln!(
            out,
            "{} {:>9}  {} {}",
            costs(&row.cost, profile),
            row.evaluated,
            row.name,
            position(row.place.as_ref(), prefix)
        );
    }
    rest(out, sorted.len(), rows);
}

fn rest(out: &mut String, all: usize, shown: usize) {
    if all > shown {
        let _ = writeln!(out, "{:>10} more", all - shown);
    }
}

fn position(place: Option<&Place>, prefix: &str) -> String {
    match place {
        Some(place) => {
            let file = place.file.strip_prefix(prefix).unwrap_or(&place.file);
            format!("{file}:{}:{}", place.line, place.column)
        }
        None => "(no position)".to_owned(),
    }
}

/// Seconds with three digits.
pub(super) fn seconds(nanos: u64) -> String {
    format!("{:.3}", nanos as f64 / 1e9)
}

/// Megabytes with two digits.
pub(super) fn megabytes(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / 1e6)
}

/// A part of a whole.
pub(super) fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => "-".to_owned(),
        _ => format!("{:.1}%", part as f64 * 100.0 / whole as f64),
    }
}
