//! Records or re-checks the answers of the corpus with an installed reference.

use nivis_corpus::{Case, Subject, cases, check, root};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const USAGE: &str = "\
usage: record [--check | --all | --nivis=BINARY] [NAME-PART...]

Asks the nix-instantiate in $REFERENCE_NIX (a folder) and writes its answers
beside the cases: without options for cases that have none yet, with --all or a
part of a name for all (matching) ones. --check writes nothing and reports
recorded answers that the reference no longer gives. --nivis compares the answers
of that nivis binary, as the test of the cli does, without a reference.";

fn main() -> ExitCode {
    let (options, names): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with("--"));
    let has = |option: &str| options.iter().any(|o| o == option);
    let arguments = libtest_mimic::Arguments {
        filter: names.first().cloned(),
        ..libtest_mimic::Arguments::default()
    };
    if let Some(binary) = options.iter().find_map(|option| option.strip_prefix("--nivis=")) {
        return match Subject::nivis(Path::new(binary)) {
            Ok(subject) => check(subject, arguments),
            Err(e) => {
                eprintln!("{binary}: {e}");
                ExitCode::FAILURE
            }
        };
    }
    let Some(bin) = std::env::var_os("REFERENCE_NIX").filter(|_| !has("--help")) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let subject = match Subject::reference(Path::new(&bin)) {
        Ok(subject) => subject,
        Err(e) => {
            eprintln!("{}: {e}", Path::new(&bin).display());
            return ExitCode::FAILURE;
        }
    };
    if has("--check") {
        return check(subject, arguments);
    }
    let wanted = |case: &Case| match &names[..] {
        [] => has("--all") || !case.is_recorded(),
        names => names.iter().any(|name| case.name.contains(name)),
    };
    record(
        &cases(&root()).into_iter().filter(wanted).collect::<Vec<_>>(),
        &subject,
    )
}

fn record(cases: &[Case], subject: &Subject) -> ExitCode {
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let threads = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(e) = case.record(subject) {
                        failed.fetch_add(1, Ordering::Relaxed);
                        eprintln!("{}: {e}", case.name);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    println!("{} recorded, {failed} failed", cases.len() - failed);
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
