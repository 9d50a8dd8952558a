//! Collecting garbage between one package and the next.
//!
//! # Invariants
//!
//! * Who calls [`collect_if_due`] is not part of an evaluation, and neither it nor any of its callers uses a value again that
//!   cannot be reached from the roots that it gives or from what [`Evaluator::keep`] was told.

use nivis_eval::evaluator::Evaluator;
use nivis_eval::value::Slot;

/// Frees what is not reachable from the roots if there is enough of it.
pub(crate) fn collect_if_due<R: Iterator<Item = Slot>>(ev: &Evaluator, roots: impl FnOnce() -> R) {
    if ev.heap.is_collection_due() {
        // SAFETY: by the module's invariants.
        unsafe { ev.collect(roots()) }
    }
}
