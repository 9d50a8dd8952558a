//! An evaluator over the host in memory, for tests.

#![allow(dead_code, reason = "each test uses a part of it")]

use nivis_eval::context::ContextBuilder;
use nivis_eval::error::Error;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::MemoryHost;
use nivis_eval::settings::Settings;
use nivis_eval::to_json::JsonStyle;
use nivis_lang::position::{Origin, Pos};
use std::sync::Arc;

const STACK: usize = 64 << 20;

/// Runs a test with an evaluator that has all builtins.
pub(crate) fn with_evaluator<T: Send>(
    files: &[(&str, &str)],
    settings: Settings,
    run: impl FnOnce(&Evaluator) -> T + Send,
) -> T {
    let mut host_files = vec![];
    for (path, contents) in files {
        host_files.push((path.as_bytes().to_vec(), contents.as_bytes().to_vec()));
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || {
                let mut host = MemoryHost::new();
                host.files.extend(host_files);
                let ev = Evaluator::new(Box::new(host), settings);
                ev.set_native_stack(STACK);
                nivis_primops::install(&ev).expect("the builtins load");
                run(&ev)
            });
        thread.expect("a thread").join().expect("no panic")
    })
}

/// The value of an expression as JSON; sources lie in `/`.
pub(crate) fn json(ev: &Evaluator, source: &str) -> Result<String, Error> {
    let origin = Origin::String(Arc::from(source.as_bytes()));
    let value = ev.eval_text(source.as_bytes(), origin, b"/")?;
    let style = JsonStyle {
        strict: true,
        copy_to_store: false,
    };
    let text = ev.to_json(value.slot(), Pos::NONE, &mut ContextBuilder::default(), style)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The value of an expression as JSON, or the first sentence of its error.
pub(crate) fn answer(files: &[(&str, &str)], source: &str) -> String {
    with_evaluator(files, Settings::default(), |ev| {
        json(ev, source).unwrap_or_else(|error| format!("error: {error}"))
    })
}
