//! `nix-store --realise`: makes paths valid, and outputs of derivations.

use super::{Call, Operation, OperationFlag, PLAIN};
use crate::args::Arg;
use crate::failure::{Failure, Result};
use crate::realise::Realiser;
use nivis_builder::Mode;
use nivis_builder::realise::{self, OutputPaths, Outputs};
use nivis_store::path::StorePath;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub(super) static REALISE: Operation = Operation {
    names: &["--realise", "--realize", "-r"],
    arguments: "PATH…",
    help: "Make paths valid: outputs of derivations are built, other paths fetched.",
    flags: &[
        OperationFlag {
            names: &["--dry-run"],
            value: "",
            help: "Only say what would be done.",
        },
        OperationFlag {
            names: &["--check"],
            value: "",
            help: "Build what is built already once more, and compare.",
        },
        OperationFlag {
            names: &["--repair"],
            value: "",
            help: "Build again what is missing or damaged.",
        },
        OperationFlag {
            names: &["--ignore-unknown"],
            value: "",
            help: "Leave out paths that can neither be built nor fetched.",
        },
    ],
    run,
    ..PLAIN
};

/// What is to be realised: a path, and for a derivation which of its outputs.
struct Target {
    path: StorePath,
    /// None means all.
    outputs: BTreeSet<String>,
}

fn run(call: &mut Call) -> Result<()> {
    let args = std::mem::take(&mut call.args);
    let mut targets = args
        .iter()
        .map(|arg| parse(call, arg))
        .collect::<Result<Vec<_>>>()?;
    let realiser = Realiser::of(call.session);
    let logger = call.session.logger;
    let mut missing = realiser
        .missing(&wanted(&targets))
        .map_err(|error| error.show(logger))?;
    let ignore_unknown = call.has("--ignore-unknown");
    if ignore_unknown {
        targets.retain(|target| !missing.unknown.contains(&target.path));
        missing.unknown.clear();
    }
    if call.session.common.settings.bool("print-missing") {
        realiser
            .show_missing(&missing)
            .map_err(|error| error.show(logger))?;
    }
    if call.has("--dry-run") {
        return Ok(());
    }
    let mode = match (call.has("--repair"), call.has("--check")) {
        (true, _) => Mode::Repair,
        (_, true) => Mode::Check,
        _ => Mode::Normal,
    };
    let outputs = realiser
        .realise(&wanted(&targets), mode, Some(&missing))
        .map_err(|error| error.show(logger))?;
    if ignore_unknown {
        return Ok(());
    }
    if call.root.is_none() && call.session.common.gc_warning && !targets.is_empty() {
        call.session.logger.warning(
            "you did not specify '--add-root'; the result might be removed by the garbage collector",
        );
    }
    for (index, target) in targets.iter().enumerate() {
        show(call, target, index, &outputs)?;
    }
    Ok(())
}

/// `path!output,output`, `path^output` or just a path.
fn parse(call: &Call, arg: &Arg) -> Result<Target> {
    let (path, outputs) = match arg.iter().position(|&byte| byte == b'!') {
        Some(mark) => (&arg[..mark], &arg[mark + 1..]),
        None => (arg.as_slice(), &b""[..]),
    };
    Ok(Target {
        path: call.session.object(path)?,
        outputs: String::from_utf8_lossy(outputs)
            .split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect(),
    })
}

/// What the builder is to make of targets.
fn wanted(targets: &[Target]) -> Vec<realise::Target> {
    let wanted = |target: &Target| match target.path.is_derivation() {
        false => realise::Target::Path(target.path.clone()),
        true => realise::Target::Outputs {
            drv: target.path.clone(),
            outputs: match target.outputs.is_empty() {
                true => Outputs::All,
                false => Outputs::Names(target.outputs.clone()),
            },
        },
    };
    targets.iter().map(wanted).collect()
}

/// Makes paths valid, and all outputs of those that are derivations.
pub(super) fn realise(call: &Call, paths: &[StorePath]) -> Result<()> {
    let targets: Vec<Target> = paths
        .iter()
        .map(|path| Target {
            path: path.clone(),
            outputs: BTreeSet::new(),
        })
        .collect();
    Realiser::of(call.session)
        .realise(&wanted(&targets), Mode::Normal, None)
        .map(drop)
        .map_err(|error| error.show(call.session.logger))
}

/// Prints what a target became, and makes roots of it.
fn show(call: &mut Call, target: &Target, index: usize, outputs: &OutputPaths) -> Result<()> {
    let session = call.session;
    let mut results = BTreeSet::new();
    if target.path.is_derivation() {
        let drv = session.store.read_derivation(&target.path)?;
        for name in &target.outputs {
            if !drv.outputs.contains_key(name) {
                return Err(Failure::Plain(format!(
                    "derivation '{}' does not have an output named '{name}'",
                    session.print(&target.path)
                )));
            }
        }
        for name in drv.outputs.into_keys() {
            if target.outputs.is_empty() || target.outputs.contains(&name) {
                let Some(path) = outputs.get(&(target.path.clone(), name.clone())) else {
                    continue;
                };
                let suffix = if name == "out" {
                    String::new()
                } else {
                    format!("-{name}")
                };
                results.insert(rooted(call, path, index, &suffix)?);
            }
        }
    } else {
        results.insert(rooted(call, &target.path, index, "")?);
    }
    if !call.no_output {
        for result in results {
            call.out.write_all(result.as_os_str().as_bytes())?;
            call.out.write_all(b"\n")?;
        }
    }
    Ok(())
}

/// Makes a root of a path if one is wanted: the link, or else the path itself.
fn rooted(call: &Call, path: &StorePath, index: usize, suffix: &str) -> Result<PathBuf> {
    let Some(root) = call.root else {
        return Ok(PathBuf::from(call.session.print(path)));
    };
    let mut link = OsString::from(root);
    if index > 0 {
        link.push(format!("-{}", index + 1));
    }
    link.push(suffix);
    Ok(call.session.store.add_perm_root(path, Path::new(&link))?)
}
