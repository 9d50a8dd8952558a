//! Forcing a value with everything in it.

use crate::error::{FrameText, Result};
use crate::evaluator::Evaluator;
use crate::value::{Slot, Value};
use nivis_lang::position::Pos;
use rustc_hash::FxHashSet;

impl Evaluator {
    /// Forces a value and all that it contains (`builtins.deepSeq`, `--strict`). Functions are not looked into.
    pub fn force_deep(&self, slot: Slot) -> Result<Value> {
        self.force_all(slot, &mut FxHashSet::default())
    }

    fn force_all(&self, slot: Slot, seen: &mut FxHashSet<u64>) -> Result<Value> {
        let _depth = self.enter_call(Pos::NONE)?;
        self.stack.check_native()?;
        let value = self.force(slot, Pos::NONE)?;
        if let Some(set) = value.as_attrs() {
            if seen.insert(value.slot().identity()) {
                for entry in set.flat(&self.heap).entries() {
                    self.force_all(entry.slot, seen)
                        .map_err(|error| error.frame(entry.pos, FrameText::Attribute(entry.name)))?;
                }
            }
        } else if let Some(list) = value.as_list()
            && !list.is_empty()
            && seen.insert(value.slot().identity())
        {
            for (i, &element) in list.iter().enumerate() {
                self.force_all(element, seen).map_err(|error| {
                    error.frame(Pos::NONE, format!("while evaluating list element at index {i}"))
                })?;
            }
        }
        Ok(value)
    }
}
