//! Test programs with recorded reference answers, and their runner.
//!
//! Every answer under `lang/`, `drv/` and `cli/` was given by the reference
//! implementation and written by `corpus/record`; none is written by hand.
//! [`run`] asks a program the same questions and compares.
//!
//! What must be equal: what is printed on standard output, the exit status,
//! and of standard error the error itself (its message and the place it
//! names), warnings and traced values. The trace around an error and its layout are
//! the program's own affair.

#![forbid(unsafe_code)]

mod answer;
mod case;
mod deep;
mod diff;
mod drv;
mod known;
mod lang;
mod session;
mod subject;

pub use case::{Case, cases, orphans};
pub use subject::Subject;

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// The folder that holds the cases.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

/// Runs every case through `binary nix-instantiate`, as the main function of a test.
pub fn run(binary: &Path) -> ExitCode {
    match Subject::nivis(binary) {
        Ok(subject) => check(subject, Arguments::from_args()),
        Err(e) => {
            eprintln!("cannot set up the test environment: {e}");
            ExitCode::FAILURE
        }
    }
}

/// Compares the answers of `subject` with the recorded ones.
pub fn check(subject: Subject, arguments: Arguments) -> ExitCode {
    let root = root();
    let subject = Arc::new(subject);
    let known = known::load(&root);
    let mut trials: Vec<Trial> = cases(&root)
        .into_iter()
        .map(|case| {
            let subject = Arc::clone(&subject);
            let expected_to_fail = subject.is_nivis() && known.contains(&case.name);
            Trial::test(case.name.clone(), move || {
                let result = case.check(&subject);
                known::judge(result, expected_to_fail).map_err(Failed::from)
            })
        })
        .collect();
    if subject.is_nivis() {
        trials.extend(deep::names().map(|name| {
            let subject = Arc::clone(&subject);
            Trial::test(format!("deep/{name}"), move || Ok(deep::check(name, &subject)?))
        }));
    }
    trials.push(Trial::test("no-forgotten-files", move || {
        match orphans(&root)[..] {
            [] => Ok(()),
            ref found => Err(format!("these files belong to no case: {found:#?}").into()),
        }
    }));
    libtest_mimic::run(&arguments, trials).exit_code()
}
