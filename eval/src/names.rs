//! From strings to names.

use crate::error::Result;
use crate::evaluator::Evaluator;
use crate::heap::StringObject;
use crate::value::{Slot, Value};
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;
use std::cell::Cell;

/// How many strings are remembered; a power of two.
const SIZE: usize = 1 << 11;

/// The address of a string and the symbol of its text.
type Entry = Cell<Option<(usize, Symbol)>>;

/// The symbols of strings that were used as names, by the string's address. Most of them are literals or came from
/// `attrNames`, so it is the same few objects again and again. A newer string takes an older one's place.
pub(crate) struct NameCache {
    entries: Box<[Entry]>,
}

impl Default for NameCache {
    fn default() -> NameCache {
        NameCache {
            entries: vec![Cell::new(None); SIZE].into(),
        }
    }
}

impl NameCache {
    /// Forgets all: the strings may be gone.
    pub(crate) fn forget(&self) {
        self.entries.iter().for_each(|entry| entry.set(None));
    }
}

impl Evaluator {
    /// The name that is the string's text.
    #[inline]
    pub fn name_of(&self, string: &'static StringObject) -> Symbol {
        let address = std::ptr::from_ref(string).addr();
        let entry = &self.known_names.entries[(address >> 3 ^ address >> 14) % SIZE];
        match entry.get() {
            Some((known, symbol)) if known == address => symbol,
            _ => {
                let symbol = self.intern(string.bytes());
                entry.set(Some((address, symbol)));
                symbol
            }
        }
    }

    /// Forces to a string, which must not have a context, and makes a name of it.
    #[inline]
    pub fn expect_name(&self, slot: Slot, pos: Pos, context: &'static str) -> Result<Symbol> {
        let string = |slot: Slot| slot.evaluated().and_then(Value::as_string);
        if let Some(string) = string(slot)
            && string.context().is_empty()
        {
            return Ok(self.name_of(string));
        }
        let bytes = self.expect_string_without_context(slot, pos, context)?;
        Ok(match string(slot) {
            Some(string) => self.name_of(string),
            None => self.intern(bytes),
        })
    }
}
