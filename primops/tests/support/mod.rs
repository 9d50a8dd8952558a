//! Runs Nix code over an evaluator in memory.

#![allow(dead_code, reason = "each test file uses some of it")]

use nivis_eval::error::Error;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::MemoryHost;
use nivis_eval::settings::Settings;
use nivis_eval::value::Value;

/// Evaluates the code as the file `/test.nix`.
pub(crate) fn eval(code: &str) -> (Evaluator, Result<Value, Error>) {
    let mut host = MemoryHost::new();
    host.files.insert(b"/test.nix".to_vec(), code.as_bytes().to_vec());
    let ev = Evaluator::new(
        Box::new(host),
        Settings {
            read_only: true,
            ..Settings::default()
        },
    );
    // Without all primops the definition of `derivation` fails, but the others are there.
    let _ = nivis_primops::install(&ev);
    let result = ev.import(b"/test.nix");
    (ev, result)
}

/// Asserts that each piece of code evaluates to `true`.
#[track_caller]
pub(crate) fn holds(codes: &[&str]) {
    for code in codes {
        match eval(code).1 {
            Ok(value) => assert_eq!(value.as_bool(), Some(true), "{code}"),
            Err(error) => panic!("{code}: {error:?}"),
        }
    }
}

/// Asserts that the code fails with this message.
#[track_caller]
pub(crate) fn fails(code: &str, message: &str) {
    match eval(code).1 {
        Ok(value) => panic!("{code}: {value:?}"),
        Err(error) => assert_eq!(error.details().message, message, "{code}"),
    }
}
