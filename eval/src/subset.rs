//! Sets without some of their attributes.

use crate::attrs::Flat;
use crate::heap::Heap;
use crate::keys::{INTERN_LIMIT, Keys};
use crate::value::Value;
use nivis_lang::position::Pos;
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

    fn subset(&self, whole: &'static Keys, keep: impl Fn(usize) -> bool) -> Subset {
        let from: Vec<u32> = (0..whole.len()).filter(|&i| keep(i)).map(|i| i as u32).collect();
        let symbols: Vec<Symbol> = from.iter().map(|&i| whole.symbols()[i as usize]).collect();
        let keys = if symbols.len() > INTERN_LIMIT {
            self.keys.make_rest(self, whole, &symbols)
        } else {
            let positions = from.iter().map(|&i| whole.position(i as usize));
            let positions: Vec<Pos> = positions.collect();
            self.keys.make(self, &symbols, &positions)
        };
        Subset {
            keys,
            from: from.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attrs::Entry;

    #[test]
    fn the_rest_of_a_large_set_keeps_its_positions() {
        let heap: &'static Heap = Box::leak(Box::default());
        let name = |i: usize| Symbol::from_index(i);
        let pos = |i: usize| Pos(1 + i as u32);
        for count in [INTERN_LIMIT, 3 * INTERN_LIMIT] {
            let mut entries: Vec<Entry> = (0..count)
                .map(|i| Entry {
                    name: name(i),
                    slot: heap.int(i as i64).slot(),
                    pos: pos(i),
                })
                .collect();
            let mut left: Vec<usize> = (0..count).collect();
            let mut set = heap.attrs(&mut entries).as_attrs().expect("a set");
            // One after the other, and what was removed before.
            for removed in [5, 0, count - 1, 7, 7, 64] {
                let mut names = [name(removed), name(5)].into_iter().map(Ok::<_, ()>);
                let rest = set.flat(heap);
                if let Ok(Some(rest)) = heap.without(rest, &mut names) {
                    set = rest.as_attrs().expect("a set");
                }
                left.retain(|&i| i != removed && i != 5);
                let found: Vec<(Symbol, Pos)> = set
                    .flat(heap)
                    .entries()
                    .map(|entry| (entry.name, entry.pos))
                    .collect();
                assert_eq!(found, left.iter().map(|&i| (name(i), pos(i))).collect::<Vec<_>>());
                let mut positions = vec![];
                set.keys().add_positions(3..left.len() - 2, &mut positions);
                let expected: Vec<Pos> = left[3..left.len() - 2].iter().map(|&i| pos(i)).collect();
                assert_eq!(positions, expected);
            }
        }
    }
}
