//! The variables that were defined in a session.

use nivis_eval::attrs::Attrs;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::value::Slot;
use nivis_lang::symbol::Symbol;
use std::collections::HashMap;

/// Variables, each name once.
#[derive(Default)]
pub(super) struct Scope {
    variables: Vec<(Symbol, Slot)>,
    places: HashMap<Symbol, usize>,
}

impl Scope {
    /// The variables.
    pub(super) fn variables(&self) -> &[(Symbol, Slot)] {
        &self.variables
    }

    /// Defines a variable, also anew.
    pub(super) fn define(&mut self, name: Symbol, slot: Slot) {
        match self.places.get(&name) {
            Some(&place) => self.variables[place].1 = slot,
            None => {
                self.places.insert(name, self.variables.len());
                self.variables.push((name, slot));
            }
        }
    }

    /// Defines all attributes of a set.
    pub(super) fn define_all(&mut self, ev: &Evaluator, set: &'static Attrs) {
        for entry in ev.sorted_entries(set) {
            self.define(entry.name, entry.slot);
        }
    }

    /// Forgets all variables.
    pub(super) fn clear(&mut self) {
        self.variables.clear();
        self.places.clear();
    }
}
