//! Key tables: which attributes a set has, apart from their values.
//!
//! On a NixOS system 1.47 million sets have 16,147 distinct key sets, so a set holds a pointer to a shared table and
//! one word a value. Tables of up to [`INTERN_LIMIT`] keys that evaluation makes are interned by content (names and positions),
//! those of sets in files are each the only one with their positions: the pointer identifies the shape, which is what inline
//! caches and the memo of `//` compare.

use crate::heap::Heap;
use hashbrown::HashTable;
use nivis_lang::position::Pos;
use nivis_lang::symbol::{Symbol, Symbols};
use rustc_hash::{FxHashMap, FxHasher};
use std::cell::{Cell, OnceCell, RefCell};
use std::hash::{Hash, Hasher};
use std::ops::Range;

/// Larger tables are not interned: hashing them costs more than sharing them saves.
pub(crate) const INTERN_LIMIT: usize = 64;
/// Larger tables get a hash index, once they were searched an eighth as often as they have keys: many big tables
/// are made by `//` and searched for a few names only.
const INDEX_FROM: usize = 48;
/// Tables with at most this many times as many keys as are looked for are gone through once, for all.
const ORDERED_FACTOR: usize = 8;
/// Tables up to this size are searched from front to back.
const LINEAR_UP_TO: usize = 8;

/// The names of a set's attributes, sorted by symbol, and the positions they were defined at.
pub struct Keys {
    symbols: &'static [Symbol],
    positions: Positions,
    searches: Cell<u32>,
    /// Of an interned table: the hash of its content.
    hash: u32,
    /// Most tables are those of sets in files, which hardly anybody asks for it.
    derived: OnceCell<Box<Derived>>,
}

/// Where the keys of a table were defined.
#[derive(Clone, Copy)]
enum Positions {
    /// Each key's; empty when none has one.
    Own(&'static [Pos]),
    /// Where those of this table were, which has its own: the rest of a large set without some attributes.
    Of(&'static Keys),
}

/// What was worked out from a table.
#[derive(Default)]
struct Derived {
    order: OnceCell<Box<[u32]>>,
    index: OnceCell<FxHashMap<Symbol, u32>>,
    stripped: OnceCell<&'static Keys>,
}

impl Keys {
    /// The names, sorted by symbol.
    #[inline(always)]
    pub fn symbols(&self) -> &[Symbol] {
        self.symbols
    }

    /// How many keys there are.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.symbols.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.symbols.is_empty()
    }

    /// Where key `i` was defined. O(log n) for the rest of a large set.
    #[inline(always)]
    pub fn position(&self, i: usize) -> Pos {
        match self.positions {
            Positions::Own(positions) => positions.get(i).copied().unwrap_or(Pos::NONE),
            Positions::Of(whole) => whole.position_of(self.symbols[i]),
        }
    }

    #[inline(never)]
    fn position_of(&self, name: Symbol) -> Pos {
        let found = self.symbols.binary_search(&name);
        found.map_or(Pos::NONE, |i| self.position(i))
    }

    /// Adds the positions of some keys to others, going through those of the whole for the rest of a large set.
    pub(crate) fn add_positions(&self, keys: Range<usize>, positions: &mut Vec<Pos>) {
        match self.positions {
            Positions::Own([]) => positions.resize(positions.len() + keys.len(), Pos::NONE),
            Positions::Own(own) => positions.extend_from_slice(&own[keys]),
            Positions::Of(whole) => {
                // Both are in the same order.
                let symbols = &self.symbols[keys];
                let Some(&first) = symbols.first() else { return };
                let mut i = whole.symbols.partition_point(|&symbol| symbol < first);
                for &symbol in symbols {
                    while whole.symbols[i] != symbol {
                        i += 1;
                    }
                    positions.push(whole.position(i));
                }
            }
        }
    }

    /// Whether any key has a position.
    pub(crate) fn has_positions(&self) -> bool {
        !matches!(self.positions, Positions::Own([]))
    }

    /// The index of a name. O(log n), and O(1) once a big table was searched often.
    #[inline]
    pub fn find(&self, name: Symbol) -> Option<usize> {
        let symbols = self.symbols;
        if symbols.len() <= LINEAR_UP_TO {
            return symbols.iter().position(|&symbol| symbol == name);
        }
        self.find_in_many(name)
    }

    #[inline(never)]
    fn find_in_many(&self, name: Symbol) -> Option<usize> {
        if let Some(index) = self.derived.get().and_then(|derived| derived.index.get()) {
            return index.get(&name).map(|&i| i as usize);
        }
        if self.symbols.len() >= INDEX_FROM {
            self.count_search();
        }
        self.symbols.binary_search(&name).ok()
    }

    fn count_search(&self) {
        let searches = self.searches.get() + 1;
        self.searches.set(searches);
        if searches as usize > self.len() / 8 {
            let index = self
                .symbols
                .iter()
                .enumerate()
                .map(|(i, &symbol)| (symbol, i as u32));
            // Nobody else sets it: there is no index yet.
            let _ = self.derived().index.set(index.collect());
        }
    }

    /// The indices of names that come in the order of their symbols.
    pub(crate) fn find_ordered(
        &self,
        names: impl ExactSizeIterator<Item = Symbol>,
        mut found: impl FnMut(usize, Option<usize>),
    ) {
        let all = self.symbols;
        if all.len() > ORDERED_FACTOR * (names.len() + 1) {
            return names.enumerate().for_each(|(i, name)| found(i, self.find(name)));
        }
        let mut at = 0;
        for (i, name) in names.enumerate() {
            while all.get(at).is_some_and(|&symbol| symbol < name) {
                at += 1;
            }
            found(i, (all.get(at) == Some(&name)).then_some(at));
        }
    }

    /// The indices of the keys in the order of their names' bytes: the order that users see.
    pub fn order(&'static self, symbols: &Symbols) -> &'static [u32] {
        self.derived().order.get_or_init(|| {
            let prefixes = self.symbols.iter().map(|&symbol| symbols.prefix(symbol));
            let mut order: Vec<(u64, u32)> = prefixes.zip(0..).collect();
            order.sort_unstable_by(|a, b| {
                let name = |i: u32| symbols.resolve(self.symbols[i as usize]);
                a.0.cmp(&b.0).then_with(|| name(a.1).cmp(name(b.1)))
            });
            order.into_iter().map(|(_, i)| i).collect()
        })
    }

    fn derived(&self) -> &Derived {
        self.derived.get_or_init(Box::default)
    }

    /// Whether it is the interned table of these names and positions.
    fn has_content(&self, symbols: &[Symbol], positions: &[Pos]) -> bool {
        match self.positions {
            Positions::Own(own) => self.symbols == symbols && own == positions,
            Positions::Of(_) => false,
        }
    }
}

fn hash_of_symbols(symbols: &[Symbol]) -> FxHasher {
    let mut hasher = FxHasher::default();
    for symbol in symbols {
        hasher.write_u32(symbol.index() as u32);
    }
    hasher
}

fn hash_of(symbols: &[Symbol], positions: &[Pos]) -> u32 {
    let mut hasher = hash_of_symbols(symbols);
    // All of them: unions of sets from many places often differ in one position between the ends.
    positions.hash(&mut hasher);
    hasher.finish() as u32
}

/// The table of hashes looks at the lowest and the highest bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash) | u64::from(hash) << 38
}

/// The interned tables.
#[derive(Default)]
pub(crate) struct KeysTable {
    interned: RefCell<HashTable<&'static Keys>>,
    /// The names of all but large tables. Packages have the same ones at other positions.
    names: RefCell<HashTable<&'static [Symbol]>>,
    /// Room to put keys together in.
    scratch: RefCell<(Vec<Symbol>, Vec<Pos>)>,
}

impl KeysTable {
    /// The table with these names (sorted by symbol, unique) and positions (as many, or none).
    pub(crate) fn make(&self, heap: &Heap, symbols: &[Symbol], positions: &[Pos]) -> &'static Keys {
        debug_assert!(symbols.windows(2).all(|pair| pair[0] < pair[1]));
        debug_assert!(positions.is_empty() || positions.len() == symbols.len());
        let positions = if positions.iter().any(|pos| pos.is_some()) {
            positions
        } else {
            &[]
        };
        if symbols.len() > INTERN_LIMIT {
            return self.new_keys(heap, symbols, positions, 0);
        }
        let hash = hash_of(symbols, positions);
        let mut interned = self.interned.borrow_mut();
        interned
            .entry(
                spread(hash),
                |keys| keys.hash == hash && keys.has_content(symbols, positions),
                |keys| spread(keys.hash),
            )
            .or_insert_with(|| self.new_keys(heap, symbols, positions, hash))
            .get()
    }

    /// [`KeysTable::make`] of pairs that come one by one.
    pub(crate) fn make_of(&self, heap: &Heap, keys: impl Iterator<Item = (Symbol, Pos)>) -> &'static Keys {
        self.side_by_side(keys, |symbols, positions| self.make(heap, symbols, positions))
    }

    /// Has `make` see the names and the positions of pairs that come one by one.
    fn side_by_side(
        &self,
        keys: impl Iterator<Item = (Symbol, Pos)>,
        make: impl FnOnce(&[Symbol], &[Pos]) -> &'static Keys,
    ) -> &'static Keys {
        let (mut symbols, mut positions) = self.scratch.take();
        symbols.clear();
        positions.clear();
        for (symbol, pos) in keys {
            symbols.push(symbol);
            positions.push(pos);
        }
        let made = make(&symbols, &positions);
        self.scratch.replace((symbols, positions));
        made
    }

    /// The table of a set in a source. Its positions occur nowhere else, so it is not looked for among the others.
    pub(crate) fn make_literal(
        &self,
        heap: &Heap,
        keys: impl Iterator<Item = (Symbol, Pos)>,
    ) -> &'static Keys {
        self.side_by_side(keys, |symbols, positions| {
            match positions.iter().any(|pos| pos.is_some()) {
                true => self.new_keys(heap, symbols, positions, 0),
                false => self.make(heap, symbols, &[]),
            }
        })
    }

    /// Like [`KeysTable::make`]. Positions are none, or as many as symbols with at least one in a source.
    pub(crate) fn make_large(&self, heap: &Heap, symbols: &[Symbol], positions: &[Pos]) -> &'static Keys {
        if symbols.len() <= INTERN_LIMIT {
            return self.make(heap, symbols, positions);
        }
        self.new_keys(heap, symbols, positions, 0)
    }

    /// A table of many of the names of another one, at the same positions.
    pub(crate) fn make_rest(&self, heap: &Heap, whole: &'static Keys, symbols: &[Symbol]) -> &'static Keys {
        debug_assert!(symbols.len() > INTERN_LIMIT);
        let positions = match whole.positions {
            Positions::Own([]) => Positions::Own(&[]),
            Positions::Own(_) => Positions::Of(whole),
            of => of,
        };
        self.new_keys_at(heap, symbols, positions, 0)
    }

    /// The same names without positions.
    pub(crate) fn without_positions(&self, heap: &Heap, keys: &'static Keys) -> &'static Keys {
        if !keys.has_positions() {
            return keys;
        }
        let derived = keys.derived();
        derived
            .stripped
            .get_or_init(|| self.make(heap, keys.symbols, &[]))
    }

    fn new_keys(&self, heap: &Heap, symbols: &[Symbol], positions: &[Pos], hash: u32) -> &'static Keys {
        self.new_keys_at(heap, symbols, Positions::Own(heap.alloc_slice(positions)), hash)
    }

    fn new_keys_at(&self, heap: &Heap, symbols: &[Symbol], positions: Positions, hash: u32) -> &'static Keys {
        heap.alloc_leaked(Keys {
            symbols: self.names(heap, symbols),
            positions,
            searches: Cell::new(0),
            hash,
            derived: OnceCell::new(),
        })
    }

    fn names(&self, heap: &Heap, symbols: &[Symbol]) -> &'static [Symbol] {
        if symbols.len() > INTERN_LIMIT {
            return heap.alloc_slice(symbols);
        }
        let hash = |symbols: &[Symbol]| spread(hash_of_symbols(symbols).finish() as u32);
        let mut names = self.names.borrow_mut();
        let known = names.entry(hash(symbols), |&known| known == symbols, |&known| hash(known));
        known.or_insert_with(|| heap.alloc_slice(symbols)).get()
    }
}
