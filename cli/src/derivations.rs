//! Finding derivations in a value: itself, or those in a list or set, further down where
//! `recurseForDerivations` says so.

use nivis_eval::attrs::Attrs;
use nivis_eval::context::ContextId;
use nivis_eval::error::{Error, Kind, Result, ResultExt};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::ops::coerce::Coercion;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;
use nivis_store::path::StorePath;
use std::collections::HashSet;

/// A derivation that was found.
pub(crate) struct Package {
    attrs: &'static Attrs,
}

/// The derivations in a value, in the order of attribute names.
pub(crate) fn find(ev: &Evaluator, slot: Slot, auto_args: &'static Attrs) -> Result<Vec<Package>> {
    let mut search = Search {
        ev,
        auto_args,
        seen: HashSet::new(),
        found: vec![],
    };
    search.all(slot)?;
    Ok(search.found)
}

struct Search<'e> {
    ev: &'e Evaluator,
    auto_args: &'static Attrs,
    /// Sets that were taken already: `rec { a = derivation …; b = a; }` is one derivation.
    seen: HashSet<*const Attrs>,
    found: Vec<Package>,
}

impl Search<'_> {
    /// Takes the value if it is a derivation; otherwise gives it back to be searched.
    fn take(&mut self, slot: Slot) -> Result<Option<Value>> {
        let value = self.ev.force(slot, Pos::NONE)?;
        let Some(attrs) = value.as_attrs() else {
            return Ok(Some(value));
        };
        if !self.ev.is_derivation(attrs)? {
            return Ok(Some(value));
        }
        if self.seen.insert(std::ptr::from_ref(attrs)) {
            check_name(self.ev, attrs)?;
            self.found.push(Package { attrs });
        }
        Ok(None)
    }

    fn all(&mut self, slot: Slot) -> Result<()> {
        let _depth = self.ev.enter_call(Pos::NONE)?;
        let value = self.ev.auto_call(self.auto_args, slot)?;
        let Some(value) = self.take(value.slot())? else {
            return Ok(());
        };
        if let Some(set) = value.as_attrs() {
            return self.attributes(set);
        }
        if let Some(list) = value.as_list() {
            for &element in list {
                if self.take(element)?.is_some() {
                    self.all(element)?;
                }
            }
            return Ok(());
        }
        let message = "expression does not evaluate to a derivation (or a set or list of those)";
        Err(Error::new(Kind::Type, message))
    }

    fn attributes(&mut self, set: &'static Attrs) -> Result<()> {
        let ev = self.ev;
        let combine = ev
            .known_symbol(b"_combineChannels")
            .is_some_and(|name| set.find(name).is_some());
        for entry in ev.sorted_entries(set) {
            let name = ev.symbol_bytes(entry.name);
            if !is_path_component(name) {
                continue;
            }
            self.attribute(entry.slot, combine).in_frame_with(entry.pos, || {
                format!(
                    "while evaluating the attribute '{}'",
                    String::from_utf8_lossy(name)
                )
            })?;
        }
        Ok(())
    }

    fn attribute(&mut self, slot: Slot, combine: bool) -> Result<()> {
        if combine {
            return self.all(slot);
        }
        let Some(set) = self.take(slot)?.and_then(Value::as_attrs) else {
            return Ok(());
        };
        let Some(recurse) = set.find(self.ev.names.recurse_for_derivations) else {
            return Ok(());
        };
        let context = "while evaluating the attribute `recurseForDerivations`";
        match self.ev.expect_bool(recurse.slot, recurse.pos, context)? {
            true => self.all(slot),
            false => Ok(()),
        }
    }
}

/// Names that cannot be written in an attribute path are not searched.
fn is_path_component(name: &[u8]) -> bool {
    name.first()
        .is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+'))
}

fn check_name(ev: &Evaluator, attrs: &'static Attrs) -> Result<()> {
    let Some(name) = attrs.get(ev.names.name) else {
        return Err(Error::new(Kind::Type, "derivation name missing"));
    };
    let context = "while evaluating the 'name' attribute of a derivation";
    ev.expect_string_without_context(name, Pos::NONE, context)?;
    Ok(())
}

impl Package {
    /// The path of the `.drv` file.
    pub(crate) fn drv_path(&self, ev: &Evaluator) -> Result<StorePath> {
        let Some(found) = self.attrs.find(ev.names.drv_path) else {
            let message = "derivation does not contain a 'drvPath' attribute";
            return Err(Error::new(Kind::Eval, message));
        };
        let context = "while evaluating the 'drvPath' attribute of a derivation";
        let path = coerce_to_store_path(ev, found.slot, found.pos, context)?;
        if !path.is_derivation() {
            let message = format!("store path '{}' is not a valid derivation path", path.base_name());
            return Err(Error::new(Kind::Eval, message).frame(found.pos, context));
        }
        Ok(path)
    }

    /// The name of the output that the value stands for; empty if it does not say.
    pub(crate) fn output_name(&self, ev: &Evaluator) -> Result<String> {
        let Some(slot) = self.attrs.get(ev.names.output_name) else {
            return Ok(String::new());
        };
        let context = "while evaluating the output name of a derivation";
        let name = ev.expect_string_without_context(slot, Pos::NONE, context)?;
        Ok(String::from_utf8_lossy(name).into_owned())
    }
}

fn coerce_to_store_path(ev: &Evaluator, slot: Slot, pos: Pos, context: &'static str) -> Result<StorePath> {
    let mut strings = ContextId::EMPTY;
    let text = ev.coerce_to_string(slot, pos, &mut strings, context, Coercion::PLAIN)?;
    ev.host.store_dir().parse(&text).map_err(|_| {
        let message = format!(
            "path '{}' is not in the Nix store",
            String::from_utf8_lossy(&text)
        );
        Error::new(Kind::Eval, message).frame(pos, context)
    })
}
