//! Sets without some of their attributes.

use crate::attrs::Flat;
use crate::heap::Heap;
use crate::keys::{INTERN_LIMIT, Keys};
use crate::value::Value;
use nivis_lang::symbol::Symbol;
use rustc_hash::FxHashMap;
use std::cell::RefCell;

/// What is left of a key table: the keys and where their values lie in the whole.
struct Subset {
    keys: &'static Keys,
    from: Box<[u32]>,
}

/// The memo of subsets by the whole's keys and a bit for each key that is removed: a call like
/// `removeAttrs args [ "name" ]` meets few shapes.
#[derive(Default)]
pub(crate) struct SubsetMemo {
    subsets: RefCell<FxHashMap<(u64, u64), &'static Subset>>,
}

// A bit for each key of an interned table.
const _: () = assert!(INTERN_LIMIT <= u64::BITS as usize);

impl Heap {
    /// The set without the attributes of these names; `None` if it has none of them.
    pub fn without<E>(
        &self,
        set: Flat,
        names: &mut dyn Iterator<Item = Result<Symbol, E>>,
    ) -> Result<Option<Value>, E> {
        if set.len() > INTERN_LIMIT {
            return self.without_in_large(set, names);
        }
        let mut removed = 0_u64;
        for name in names {
            removed |= set.keys.find(name?).map_or(0, |i| 1 << i);
        }
        if removed == 0 {
            return Ok(None);
        }
        let key = (std::ptr::from_ref(set.keys).addr() as u64, removed);
        let known = self.subsets.subsets.borrow().get(&key).copied();
        let subset = known.unwrap_or_else(|| {
            let subset: &'static Subset =
                Box::leak(Box::new(self.subset(set.keys, |i| removed >> i & 1 == 0)));
            self.subsets.subsets.borrow_mut().insert(key, subset);
            subset
        });
        Ok(Some(
            self.attrs_with(subset.keys, |i| set.slots[subset.from[i] as usize]),
        ))
    }

    /// Large tables belong to one set each, so there is nothing to remember.
    fn without_in_large<E>(
        &self,
        set: Flat,
        names: &mut dyn Iterator<Item = Result<Symbol, E>>,
    ) -> Result<Option<Value>, E> {
        let mut removed = vec![false; set.len()];
        for name in names {
            if let Some(i) = set.keys.find(name?) {
                removed[i] = true;
            }
        }
        if !removed.contains(&true) {
            return Ok(None);
        }
        let subset = self.subset(set.keys, |i| !removed[i]);
        Ok(Some(
            self.attrs_with(subset.keys, |i| set.slots[subset.from[i] as usize]),
        ))
    }

    fn subset(&self, whole: &Keys, keep: impl Fn(usize) -> bool) -> Subset {
        let from: Vec<u32> = (0..whole.len()).filter(|&i| keep(i)).map(|i| i as u32).collect();
        let symbols: Vec<Symbol> = from.iter().map(|&i| whole.symbols()[i as usize]).collect();
        let positions = match whole.has_positions() {
            true => from.iter().map(|&i| whole.position(i as usize)).collect(),
            false => vec![],
        };
        Subset {
            keys: self.keys.make_large(self, &symbols, &positions),
            from: from.into(),
        }
    }
}
