//! String contexts: interned sets of interned elements.
//!
//! A string carries a [`ContextId`]; 0 is the empty set, so most strings pay nothing. A set is a run of the numbers of its
//! elements, unions are memoised by the two ids, and a derivation's inputs come out sorted and free of duplicates.

use hashbrown::HashTable;
use nivis_store::path::StorePath;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHasher};
use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;
use std::sync::Arc;

/// A set of context elements.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
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

/// What the context of a text in the making will be: the union of the contexts of its parts, put together at the end,
/// so that no table has to know the unions of all that came before.
#[derive(Clone, Default, Debug)]
pub struct ContextBuilder {
    first: ContextId,
    /// Sets other than the first one, without repetitions in a row.
    others: Vec<ContextId>,
}

impl ContextBuilder {
    /// Adds a part's context.
    #[inline(always)]
    pub fn add(&mut self, id: ContextId) {
        if id.is_empty() || id == self.first {
            return;
        }
        match self.first.is_empty() {
            true => self.first = id,
            false => self.add_other(id),
        }
    }

    fn add_other(&mut self, id: ContextId) {
        if self.others.last() == Some(&id) {
            return;
        }
        if self.others.len() == self.others.capacity() {
            // Parts of long texts tend to have few contexts among them.
            self.others.sort_unstable();
            self.others.dedup();
            self.others.reserve(self.others.len().max(4));
        }
        self.others.push(id);
    }

    /// Whether no part had a context.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
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
    /// All elements, each with the set of it alone.
    elements: Vec<(ContextElement, ContextId)>,
    /// The numbers of the elements: their places in that list.
    numbers: HashTable<u32>,
    /// The numbers in all sets, one set after another, each in increasing order.
    members: Vec<u32>,
    sets: Vec<Range<u32>>,
    ids: HashTable<ContextId>,
    unions: FxHashMap<(ContextId, ContextId), ContextId>,
    /// Room to put a set together in.
    scratch: Vec<u32>,
}

fn hash_of(members: &[u32]) -> u64 {
    let mut hasher = FxHasher::default();
    for &member in members {
        hasher.write_u32(member);
    }
    hasher.finish()
}

impl Tables {
    fn members(&self, id: ContextId) -> &[u32] {
        let Range { start, end } = self.sets[id.0 as usize];
        &self.members[start as usize..end as usize]
    }

    /// The set of these elements, which are in increasing order.
    fn intern(&mut self, set: &[u32]) -> ContextId {
        let hash = hash_of(set);
        if let Some(&id) = self.ids.find(hash, |&id| self.members(id) == set) {
            return id;
        }
        let small = |n: usize| u32::try_from(n).expect("contexts have fewer than 2^32 elements together");
        let id = ContextId(small(self.sets.len()));
        let start = small(self.members.len());
        self.members.extend_from_slice(set);
        self.sets.push(start..small(self.members.len()));
        let (sets, members) = (&self.sets, &self.members);
        self.ids.insert_unique(hash, id, |id| {
            let Range { start, end } = sets[id.0 as usize];
            hash_of(&members[start as usize..end as usize])
        });
        id
    }

    /// The number of an element, and the set of it alone.
    fn element(&mut self, element: ContextElement) -> (u32, ContextId) {
        let hash_of_element = |element: &ContextElement| FxBuildHasher.hash_one(element);
        let hash = hash_of_element(&element);
        let elements = &self.elements;
        if let Some(&number) = self.numbers.find(hash, |&i| elements[i as usize].0 == element) {
            return (number, elements[number as usize].1);
        }
        let number = elements.len() as u32;
        let set = self.intern(&[number]);
        self.elements.push((element, set));
        let elements = &self.elements;
        self.numbers
            .insert_unique(hash, number, |&i| hash_of_element(&elements[i as usize].0));
        (number, set)
    }

    /// The union of sets.
    fn union(&mut self, sets: impl Iterator<Item = ContextId>) -> ContextId {
        let mut union = std::mem::take(&mut self.scratch);
        union.clear();
        sets.for_each(|id| union.extend_from_slice(self.members(id)));
        union.sort_unstable();
        union.dedup();
        let id = self.intern(&union);
        self.scratch = union;
        id
    }
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
        tables.intern(&[]);
        Contexts {
            tables: RefCell::new(tables),
        }
    }

    /// The set of the given elements.
    pub fn intern(&self, elements: Vec<ContextElement>) -> ContextId {
        let mut tables = self.tables.borrow_mut();
        let mut set: Vec<u32> = elements
            .into_iter()
            .map(|element| tables.element(element).0)
            .collect();
        set.sort_unstable();
        set.dedup();
        tables.intern(&set)
    }

    /// The set of one element.
    pub fn singleton(&self, element: ContextElement) -> ContextId {
        self.tables.borrow_mut().element(element).1
    }

    /// The elements of a set, sorted.
    pub fn elements(&self, id: ContextId) -> Vec<ContextElement> {
        let tables = self.tables.borrow();
        let members = tables.members(id).iter();
        let mut elements: Vec<ContextElement> = members
            .map(|&number| tables.elements[number as usize].0.clone())
            .collect();
        elements.sort_unstable();
        elements
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

    /// The context of a text that was made.
    #[inline]
    pub fn build(&self, builder: ContextBuilder) -> ContextId {
        match builder.others[..] {
            [] => builder.first,
            [other] => self.union_slow(builder.first, other),
            _ => self.build_from_many(&builder),
        }
    }

    #[cold]
    fn build_from_many(&self, builder: &ContextBuilder) -> ContextId {
        let sets = builder.others.iter().copied();
        self.tables.borrow_mut().union(sets.chain([builder.first]))
    }

    fn union_slow(&self, a: ContextId, b: ContextId) -> ContextId {
        let key = (ContextId(a.0.min(b.0)), ContextId(a.0.max(b.0)));
        let mut tables = self.tables.borrow_mut();
        if let Some(&id) = tables.unions.get(&key) {
            return id;
        }
        let id = tables.union([a, b].into_iter());
        tables.unions.insert(key, id);
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

    #[test]
    fn a_builder_gives_the_union_of_what_was_added() {
        let contexts = Contexts::new();
        let singles: Vec<ContextId> = (0..10)
            .map(|i| contexts.singleton(path(&format!("p{i}"))))
            .collect();
        for n in 0..singles.len() {
            let mut builder = ContextBuilder::default();
            for round in 0..3 {
                singles[..n].iter().skip(round).for_each(|&id| builder.add(id));
                builder.add(ContextId::EMPTY);
            }
            assert_eq!(builder.is_empty(), n == 0);
            let union = singles[..n]
                .iter()
                .fold(ContextId::EMPTY, |a, &b| contexts.union(a, b));
            assert_eq!(contexts.build(builder), union, "{n}");
        }
    }
}
