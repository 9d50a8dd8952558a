//! Forcing a value with everything in it.

use crate::cell::{Cell, State};
use crate::error::{FrameText, Result};
use crate::evaluator::Evaluator;
use crate::function::FunctionKind;
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
        self.step()?;
        self.stack.check_native()?;
        let value = match slot.evaluated() {
            Some(value) => value,
            None => self.force(slot, self.place_of(slot))?,
        };
        if let Some(set) = value.as_attrs() {
            if seen.insert(value.slot().identity()) {
                for entry in set.flat(self.heap).entries() {
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

    /// Where a suspended call's function was defined: the call has no place of its own.
    pub fn place_of(&self, slot: Slot) -> Pos {
        let mut slot = slot;
        loop {
            match slot.as_cell().map(Cell::state) {
                Some(
                    State::Apply1([function, ..])
                    | State::Apply2([function, ..])
                    | State::ApplyNamed(function, ..),
                ) => slot = function,
                Some(State::Finished(value)) => return place_of_lambda(value),
                Some(_) => return Pos::NONE,
                None => return slot.direct().map_or(Pos::NONE, place_of_lambda),
            }
        }
    }
}

fn place_of_lambda(value: Value) -> Pos {
    match value.as_function().map(|function| function.kind()) {
        Some(FunctionKind::Lambda(code, _)) => code.pos,
        _ => Pos::NONE,
    }
}
