//! What the benchmarks share: an evaluator on the host in memory.

#![forbid(unsafe_code)]

use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::MemoryHost;
use nivis_eval::settings::Settings;

/// An evaluator with all builtins and no files.
pub fn evaluator() -> Evaluator {
    let ev = Evaluator::new(Box::new(MemoryHost::new()), Settings::default());
    nivis_primops::install(&ev).expect("the base scope can be defined");
    ev
}
