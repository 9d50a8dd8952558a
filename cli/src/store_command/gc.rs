//! `nix-store --gc`, `--delete` and `--optimise`.

use super::{Call, Operation, OperationFlag, PLAIN};
use crate::args::lossy;
use crate::failure::{Failure, Result};
use crate::output::Out;
use crate::settings;
use nivis_store::local_store::gc::{GcAction, GcOptions, GcResults};
use nivis_store::profile::parse_age;
use nivis_store::roots::Roots;
use nivis_store::size::render_size;
use serde_json::json;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

const JSON: OperationFlag = OperationFlag {
    names: &["--json"],
    value: "",
    help: "Print JSON.",
};

pub(super) static GC: Operation = Operation {
    names: &["--gc"],
    help: "Collect garbage: delete what nothing needs.",
    flags: &[
        OperationFlag {
            names: &["--print-roots"],
            value: "",
            help: "Only print the roots.",
        },
        OperationFlag {
            names: &["--print-live"],
            value: "",
            help: "Only print what is not garbage.",
        },
        OperationFlag {
            names: &["--print-dead"],
            value: "",
            help: "Only print what is garbage.",
        },
        OperationFlag {
            names: &["--max-freed"],
            value: "bytes",
            help: "Stop when more than that is freed (with a unit: K, M, G, T). \
                   What was not used for the longest time goes first.",
        },
        OperationFlag {
            names: &["--delete-older-than"],
            value: "period",
            help: "Keep what was used or added since then; a period is a number of days, such as 30d.",
        },
        JSON,
    ],
    collects: true,
    unknown_flag: |flag| format!("bad sub-operation '{flag}' in GC"),
    run: collect,
    ..PLAIN
};

pub(super) static DELETE: Operation = Operation {
    names: &["--delete"],
    arguments: "PATH…",
    help: "Delete paths, if nothing needs them.",
    flags: &[
        OperationFlag {
            names: &["--ignore-liveness"],
            value: "",
            help: "Delete them although roots keep them, but not if other paths refer to them.",
        },
        JSON,
    ],
    collects: true,
    run: delete,
    ..PLAIN
};

pub(super) static OPTIMISE: Operation = Operation {
    names: &["--optimise", "--optimize"],
    help: "Make equal files in the store one, by hard links.",
    unknown_flag: |_| "no arguments expected".to_owned(),
    run: |call| {
        call.no_arguments()?;
        call.session.store.optimise()?;
        Ok(())
    },
    ..PLAIN
};

fn collect(call: &mut Call) -> Result<()> {
    let mut action = GcAction::DeleteDead;
    for (flag, _) in &call.flags {
        match *flag {
            "--print-live" => action = GcAction::ReturnLive,
            "--print-dead" => action = GcAction::ReturnDead,
            _ => {}
        }
    }
    let mut options = GcOptions::new(action);
    if let Some(bytes) = call.value("--max-freed") {
        options.max_freed = Some(byte_count(&lossy(bytes))?);
    }
    if let Some(period) = call.value("--delete-older-than") {
        options.unused_since = Some(parse_age(&lossy(period), now()).map_err(Failure::Usage)?);
    }
    call.no_arguments()?;
    let print_roots = call.has("--print-roots");
    let prints = print_roots || options.action != GcAction::DeleteDead;
    if prints && (options.max_freed.is_some() || options.unused_since.is_some()) {
        let flag = if options.max_freed.is_some() {
            "--max-freed"
        } else {
            "--delete-older-than"
        };
        return Err(Failure::Usage(format!(
            "option {flag} cannot be combined with --print-live, --print-dead, or --print-roots"
        )));
    }
    if print_roots {
        let roots = call.session.store.find_roots()?;
        return print_all_roots(call, &roots);
    }
    let mut results = GcResults::default();
    let outcome = call.session.store.collect_garbage(&options, &mut results);
    if call.has("--json") {
        print_json(call, &options.action, &results)?;
    } else if options.action == GcAction::DeleteDead {
        print_freed(call.out, &results)?;
    } else {
        for path in &results.paths {
            writeln!(call.out, "{path}")?;
        }
    }
    Ok(outcome?)
}

fn delete(call: &mut Call) -> Result<()> {
    let paths = call.session.objects(&call.args)?.into_iter().collect();
    let options = GcOptions {
        ignore_liveness: call.has("--ignore-liveness"),
        ..GcOptions::new(GcAction::DeleteSpecific(paths))
    };
    let mut results = GcResults::default();
    let outcome = call.session.store.collect_garbage(&options, &mut results);
    if call.has("--json") {
        print_json(call, &options.action, &results)?;
    } else {
        print_freed(call.out, &results)?;
    }
    Ok(outcome?)
}

/// A number of bytes as options have it; less than nothing is nothing.
pub(crate) fn byte_count(text: &str) -> Result<u64> {
    let number = settings::integer(text).map_err(Failure::Usage)?;
    Ok(u64::try_from(number).unwrap_or(0))
}

/// The time, in seconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs().try_into().unwrap_or(i64::MAX))
}

/// Says what a collection has done.
pub(crate) fn print_freed(out: &mut Out, results: &GcResults) -> Result<()> {
    let (count, size) = (results.paths.len(), render_size(results.bytes_freed));
    Ok(writeln!(out, "{count} store paths deleted, {size} freed")?)
}

fn print_json(call: &mut Call, action: &GcAction, results: &GcResults) -> Result<()> {
    let value = match action {
        GcAction::ReturnLive => json!({ "live": results.paths }),
        GcAction::ReturnDead => json!({ "dead": results.paths }),
        GcAction::DeleteDead | GcAction::DeleteSpecific(_) => json!({
            "deleted": results.paths,
            "bytesFreed": results.bytes_freed,
            "bytesSavedByLinks": results.bytes_saved,
        }),
    };
    Ok(writeln!(call.out, "{value:#}")?)
}

fn as_path(link: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(link))
}

/// All roots in the order of the links; relative names, of temporary roots, come first.
fn print_all_roots(call: &mut Call, roots: &Roots) -> Result<()> {
    let mut pairs: Vec<_> = roots
        .iter()
        .flat_map(|(target, links)| links.iter().map(move |link| (link, target)))
        .collect();
    pairs.sort_by(|(a, a_target), (b, b_target)| {
        let by_link = a.starts_with(b"/").cmp(&b.starts_with(b"/"));
        let by_link = by_link.then_with(|| as_path(a).cmp(as_path(b)));
        by_link.then_with(|| a_target.cmp(b_target))
    });
    if call.has("--json") {
        let roots: Vec<_> = pairs
            .iter()
            .map(|(link, target)| json!({ "root": lossy(link), "path": call.session.print(target) }))
            .collect();
        return Ok(writeln!(call.out, "{:#}", json!(roots))?);
    }
    for (link, target) in pairs {
        let target = call.session.print(target);
        call.out.write_all(b"\"")?;
        for &byte in link {
            if matches!(byte, b'"' | b'\\') {
                call.out.write_all(b"\\")?;
            }
            call.out.write_all(&[byte])?;
        }
        writeln!(call.out, "\" -> {target}")?;
    }
    Ok(())
}
