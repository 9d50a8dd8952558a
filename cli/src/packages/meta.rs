//! `meta`: what the expression tells of a package apart from how to build it.

use super::Package;
use nivis_eval::attrs::{Attrs, Entry};
use nivis_eval::error::Result;
use nivis_eval::evaluator::Evaluator;
use nivis_eval::value::{Slot, Unpacked, Value};
use nivis_lang::position::Pos;
use nivis_lang::symbol::Symbol;

/// A value that may stand in `meta`, evaluated to its bottom.
pub(crate) type MetaValue = Value;

impl Package {
    /// The set `meta`, if there is one.
    fn meta_set(&self, ev: &Evaluator) -> Result<Option<&'static Attrs>> {
        if let Some(meta) = self.given(|given| given.meta) {
            return Ok(Some(meta));
        }
        let Some(found) = self.attribute(ev.names.meta) else {
            return Ok(None);
        };
        let context = "while evaluating the 'meta' attribute of a derivation";
        ev.expect_attrs(found.slot, found.pos, context).map(Some)
    }

    /// The names in `meta`, sorted.
    pub(crate) fn meta_names(&self, ev: &Evaluator) -> Result<Vec<Symbol>> {
        let Some(meta) = self.meta_set(ev)? else {
            return Ok(vec![]);
        };
        Ok(ev.sorted_entries(meta).map(|entry| entry.name).collect())
    }

    /// A value of `meta`; `None` if it is missing or of a kind that must not stand there.
    pub(crate) fn meta(&self, ev: &Evaluator, name: &[u8]) -> Result<Option<MetaValue>> {
        self.meta_of(ev, ev.intern(name))
    }

    /// A value of `meta`, as [`Package::meta`].
    pub(crate) fn meta_of(&self, ev: &Evaluator, name: Symbol) -> Result<Option<MetaValue>> {
        let Some(slot) = self.meta_set(ev)?.and_then(|meta| meta.get(name)) else {
            return Ok(None);
        };
        match is_data(ev, slot)? {
            true => ev.force(slot, Pos::NONE).map(Some),
            false => Ok(None),
        }
    }

    /// A string of `meta`; empty if it is missing or no string.
    pub(crate) fn meta_string(&self, ev: &Evaluator, name: &[u8]) -> Result<&'static [u8]> {
        let value = self.meta(ev, name)?;
        let text = value.and_then(Value::as_string);
        Ok(text.map_or(&[], |text| text.bytes()))
    }

    /// An integer of `meta`, which may be written as a string.
    pub(crate) fn meta_int(&self, ev: &Evaluator, name: &[u8], default: i64) -> Result<i64> {
        let Some(value) = self.meta(ev, name)? else {
            return Ok(default);
        };
        let parse = |text: &[u8]| std::str::from_utf8(text).ok()?.parse().ok();
        let written = || value.as_string().and_then(|text| parse(text.bytes()));
        Ok(value.as_int().or_else(written).unwrap_or(default))
    }

    /// A boolean of `meta`, which may be written as a string.
    pub(crate) fn meta_bool(&self, ev: &Evaluator, name: &[u8], default: bool) -> Result<bool> {
        let Some(value) = self.meta(ev, name)? else {
            return Ok(default);
        };
        let written = || match value.as_string()?.bytes() {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        };
        Ok(value.as_bool().or_else(written).unwrap_or(default))
    }

    /// Sets a string in `meta`.
    pub(crate) fn set_meta(&mut self, ev: &Evaluator, name: &[u8], value: &[u8]) -> Result<()> {
        let name = ev.intern(name);
        let mut entries: Vec<Entry> = match self.meta_set(ev)? {
            Some(meta) => meta.flat(ev.heap).entries().collect(),
            None => vec![],
        };
        entries.retain(|entry| entry.name != name);
        entries.push(Entry {
            name,
            slot: ev.string(value).slot(),
            pos: Pos::NONE,
        });
        self.given.get_or_insert_default().meta = ev.heap.attrs(&mut entries).as_attrs();
        Ok(())
    }

    /// The priority among packages of one profile: lower wins.
    pub(crate) fn priority(&self, ev: &Evaluator) -> Result<i64> {
        self.meta_int(ev, b"priority", 0)
    }
}

/// Whether a value consists of integers, floats, strings and booleans, with lists and sets around them that are no
/// derivations. Evaluates all of it.
fn is_data(ev: &Evaluator, slot: Slot) -> Result<bool> {
    let _depth = ev.enter_call(Pos::NONE)?;
    ev.step()?;
    match ev.force(slot, Pos::NONE)?.unpack() {
        Unpacked::Int(_) | Unpacked::Bool(_) | Unpacked::String(_) | Unpacked::Float(_) => Ok(true),
        Unpacked::List(list) => {
            for &element in list {
                if !is_data(ev, element)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Unpacked::Attrs(set) => {
            if set.get(ev.names.out_path).is_some() {
                return Ok(false);
            }
            for entry in set.flat(ev.heap).entries() {
                if !is_data(ev, entry.slot)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Unpacked::Null | Unpacked::Path(_) | Unpacked::Function(_) => Ok(false),
    }
}
