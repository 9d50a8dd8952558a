//! String contexts: interned sets of interned elements.
//!
//! A string carries a [`ContextId`]; 0 is the empty set, so most strings pay nothing. Unions are memoised by the
//! two ids, and a derivation's inputs come out sorted and free of duplicates.

use nivis_store::path::StorePath;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// A set of context elements.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(transparent)]
pub struct ContextId(u32);

impl ContextId {
    /// The empty set.
    pub const EMPTY: ContextId = ContextId(0);

    /// Whether the set is empty.
    #[inline(always)]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// One element of a context. The order is the one in which the reference lists them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ContextElement {
    /// A plain store path.
    Path(StorePath),
    /// A derivation with all its outputs and its build closure: `=drv`.
    DrvDeep(StorePath),
    /// An output of a derivation: `!out!drv`.
    Output {
        /// The derivation.
        drv: StorePath,
        /// The output's name.
        output: Arc<str>,
    },
}

#[derive(Default)]
struct Tables {
    sets: Vec<Rc<[ContextElement]>>,
    ids: FxHashMap<Rc<[ContextElement]>, ContextId>,
    unions: FxHashMap<(ContextId, ContextId), ContextId>,
}

/// The table of contexts.
pub struct Contexts {
    tables: RefCell<Tables>,
}

impl Default for Contexts {
    fn default() -> Self {
        Self::new()
    }
}

impl Contexts {
    /// A table with the empty set only.
    pub fn new() -> Contexts {
        let mut tables = Tables::default();
        let empty: Rc<[ContextElement]> = Rc::from([]);
        tables.sets.push(empty.clone());
        tables.ids.insert(empty, ContextId::EMPTY);
        Contexts {
            tables: RefCell::new(tables),
        }
    }

    /// The set of the given elements.
    pub fn intern(&self, mut elements: Vec<ContextElement>) -> ContextId {
        elements.sort_unstable();
        elements.dedup();
        let mut tables = self.tables.borrow_mut();
        if let Some(&id) = tables.ids.get(elements.as_slice()) {
            return id;
        }
        let id = ContextId(u32::try_from(tables.sets.len()).expect("fewer than 2^32 contexts"));
        let set: Rc<[ContextElement]> = elements.into();
        tables.sets.push(set.clone());
        tables.ids.insert(set, id);
        id
    }

    /// The set of one element.
    pub fn singleton(&self, element: ContextElement) -> ContextId {
        self.intern(vec![element])
    }

    /// The elements of a set, sorted.
    pub fn elements(&self, id: ContextId) -> Rc<[ContextElement]> {
        self.tables.borrow().sets[id.0 as usize].clone()
    }

    /// The union of two sets.
    #[inline]
    pub fn union(&self, a: ContextId, b: ContextId) -> ContextId {
        if a == b || b.is_empty() {
            a
        } else if a.is_empty() {
            b
        } else {
            self.union_slow(a, b)
        }
    }

    fn union_slow(&self, a: ContextId, b: ContextId) -> ContextId {
        let key = (ContextId(a.0.min(b.0)), ContextId(a.0.max(b.0)));
        if let Some(&id) = self.tables.borrow().unions.get(&key) {
            return id;
        }
        let elements = self
            .elements(a)
            .iter()
            .chain(self.elements(b).iter())
            .cloned()
            .collect();
        let id = self.intern(elements);
        self.tables.borrow_mut().unions.insert(key, id);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> ContextElement {
        ContextElement::Path(StorePath::from_digest(&[7; 20], name).expect("a valid name"))
    }

    #[test]
    fn unions_are_sets() {
        let contexts = Contexts::new();
        let a = contexts.singleton(path("a"));
        let b = contexts.singleton(path("b"));
        let ab = contexts.union(a, b);
        assert_eq!(ab, contexts.union(b, a));
        assert_eq!(ab, contexts.union(ab, a));
        assert_eq!(ab, contexts.intern(vec![path("b"), path("a"), path("a")]));
        assert_eq!(contexts.union(ContextId::EMPTY, b), b);
        assert!(contexts.elements(ContextId::EMPTY).is_empty());
    }
}
