//! `nix-store --verify`, `--verify-path` and `--repair-path`.

use super::{Call, Operation, OperationFlag, PLAIN, refuse_flags};
use crate::failure::{Failure, Result};
use crate::realise::Realiser;
use crate::store_session::StoreSession;
use nivis_builder::Mode;
use nivis_builder::realise::{Outputs, Target};
use nivis_eval::host::Level;
use nivis_store::error::StoreError;
use nivis_store::local_store::Rebuilt;
use nivis_store::local_store::verify::{Findings, Modified};
use nivis_store::path::StorePath;
use serde_json::{Value, json};
use std::io::Write;

pub(super) static VERIFY: Operation = Operation {
    names: &["--verify"],
    help: "Check that the store is what the database says.",
    flags: &[
        OperationFlag {
            names: &["--check-contents"],
            value: "",
            help: "Also that all contents are what they were.",
        },
        OperationFlag {
            names: &["--repair"],
            value: "",
            help: "Put right what is wrong.",
        },
        OperationFlag {
            names: &["--rebuild-db"],
            value: "",
            help: "First make the database anew, from what is left of it and from the store itself. \
                   Nobody else may use the store meanwhile.",
        },
        OperationFlag {
            names: &["--json"],
            value: "",
            help: "Print what was found as JSON.",
        },
    ],
    run: verify,
    ..PLAIN
};

fn verify(call: &mut Call) -> Result<()> {
    call.no_arguments()?;
    let session = call.session;
    let rebuilt = match call.has("--rebuild-db") {
        true => Some(session.store.rebuild_database()?),
        false => None,
    };
    let mut repair = |path: &StorePath| repair_path(session, path);
    let findings = session.store.verify(
        call.has("--check-contents"),
        match call.has("--repair") {
            true => Some(&mut repair),
            false => None,
        },
    )?;
    if call.has("--json") {
        let mut report = report(session, &findings);
        if let Some(rebuilt) = &rebuilt {
            report["rebuilt"] = rebuilt_report(session, rebuilt);
        }
        writeln!(call.out, "{report}")?;
    } else if let Some(rebuilt) = &rebuilt {
        let message = format!(
            "{} paths kept, {} found again, {} left out, {} gone",
            rebuilt.kept,
            rebuilt.found.len(),
            rebuilt.left_out.len(),
            rebuilt.gone.len()
        );
        session.logger.message(Level::Notice, &message);
    }
    if findings.errors {
        session.logger.warning("not all store errors were fixed");
        return Err(Failure::Exit(1));
    }
    Ok(())
}

fn report(session: &StoreSession, findings: &Findings) -> Value {
    let paths =
        |paths: &[StorePath]| -> Vec<String> { paths.iter().map(|path| session.print(path)).collect() };
    let modified = |path: String, expected: &str, found: &str| json!({ "path": path, "expected": expected, "found": found });
    let unreadable = findings.unreadable.iter();
    json!({
        "valid": findings.valid,
        "disappeared": paths(&findings.disappeared),
        "missing": paths(&findings.missing),
        "modified": findings.modified.iter()
            .map(|Modified { path, expected, found }| modified(session.print(path), expected, found))
            .collect::<Vec<_>>(),
        "modifiedLinks": findings.links.iter()
            .map(|Modified { path, expected, found }| modified(path.clone(), expected, found))
            .collect::<Vec<_>>(),
        "unreadable": unreadable
            .map(|(path, message)| json!({ "path": path, "error": message }))
            .collect::<Vec<_>>(),
        "completed": paths(&findings.completed),
        "repaired": paths(&findings.repaired),
        "errors": findings.errors,
    })
}

fn rebuilt_report(session: &StoreSession, rebuilt: &Rebuilt) -> Value {
    let paths =
        |paths: &[StorePath]| -> Vec<String> { paths.iter().map(|path| session.print(path)).collect() };
    json!({
        "kept": rebuilt.kept,
        "found": paths(&rebuilt.found),
        "leftOut": paths(&rebuilt.left_out),
        "gone": paths(&rebuilt.gone),
    })
}

pub(super) static VERIFY_PATH: Operation = Operation {
    names: &["--verify-path"],
    arguments: "PATH…",
    help: "Fail unless the contents of the paths are what they were.",
    unknown_flag: refuse_flags,
    run: |call| {
        let args = std::mem::take(&mut call.args);
        let mut intact = true;
        for arg in &args {
            let path = call.session.object(arg)?;
            intact &= call.session.store.verify_path(&path)?;
        }
        match intact {
            true => Ok(()),
            false => Err(Failure::Exit(1)),
        }
    },
    ..PLAIN
};

pub(super) static REPAIR_PATH: Operation = Operation {
    names: &["--repair-path"],
    arguments: "PATH…",
    help: "Make the contents of the paths what they were, by fetching or building them again.",
    unknown_flag: refuse_flags,
    run: |call| {
        let args = std::mem::take(&mut call.args);
        for arg in &args {
            let path = call.session.object(arg)?;
            repair_path(call.session, &path)?;
        }
        Ok(())
    },
    ..PLAIN
};

/// Makes the contents of a path what they were, by building its deriver again.
pub(super) fn repair_path(session: &StoreSession, path: &StorePath) -> Result<(), StoreError> {
    let cannot = || StoreError::Repair(format!("cannot repair path '{}'", session.print(path)));
    let deriver = session.store.query_path_info(path)?.deriver.ok_or_else(cannot)?;
    if !session.store.is_valid_path(&deriver)? {
        return Err(cannot());
    }
    let targets = [Target::Outputs {
        drv: deriver,
        outputs: Outputs::All,
    }];
    Realiser::of(session)
        .realise(&targets, Mode::Repair, None)
        .map_err(|error| StoreError::Repair(error.message))?;
    match session.store.verify_path(path)? {
        true => Ok(()),
        false => Err(cannot()),
    }
}
