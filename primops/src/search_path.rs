//! Primops: search_path.

use nivis_eval::primop::Primop;

pub(super) static TABLE: &[Primop] = &[];

use nivis_eval::attrs::Entry;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::value::Value;
use nivis_lang::position::Pos;

/// The value of `builtins.nixPath`.
pub(super) fn nix_path(ev: &Evaluator) -> Value {
    let elements = &ev.settings.search_path;
    ev.heap.list_with(elements.len(), |i| {
        let entry = |name, text: &[u8]| Entry {
            name,
            slot: ev.string(text).slot(),
            pos: Pos::NONE,
        };
        let (path, prefix) = (ev.names.path, ev.names.prefix);
        ev.heap
            .attrs(&mut [entry(path, &elements[i].path), entry(prefix, &elements[i].prefix)])
            .slot()
    })
}
