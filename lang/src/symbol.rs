//! Interned names. A [`Symbol`] is a `u32` handed out in the order of first occurrence.
//!
//! The order matters: the reference compares attribute sets and reports missing arguments in symbol order,
//! so which of two errors a user sees depends on it.

use crate::bytes::encode;
use lasso::{Capacity, Key, Rodeo};
use rustc_hash::FxBuildHasher;
use std::ops::Range;

/// An interned name: an identifier or an attribute name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Symbol(u32);

impl Symbol {
    /// The dense index of this symbol, starting at 0.
    #[inline(always)]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The symbol with the given dense index; inverse of [`Symbol::index`].
    #[inline(always)]
    pub fn from_index(index: usize) -> Symbol {
        Symbol(u32::try_from(index).expect("fewer than 2^32 symbols"))
    }
}

impl std::fmt::Debug for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Symbol({})", self.0)
    }
}

type Rodeo32 = Rodeo<lasso::Spur, FxBuildHasher>;

/// The table of names, which are any bytes.
///
/// lasso finds the symbol of a name. As it holds `str`, the rare bytes that are no UTF-8 are carried as private code
/// points (see [`crate::bytes`]); so that looking at a name need not search it for these, the bytes are kept as well.
pub struct Symbols {
    rodeo: Rodeo32,
    /// The names, one after another.
    text: Vec<u8>,
    /// Where each name starts, and where the next one will.
    starts: Vec<u32>,
    recent: Recent,
    /// The names of the source that is parsed.
    pub roll: Roll,
}

/// The names of one source in the order of their first occurrence. Who interns them in this order gets the symbols that
/// parsing the source would have given.
#[derive(Default)]
pub struct Roll {
    names: Vec<Symbol>,
    /// For each symbol the last source in which it occurred, and its place there.
    places: Vec<(u32, u32)>,
    source: u32,
}

impl Roll {
    /// Starts with another source.
    pub fn start(&mut self) {
        self.names.clear();
        self.source += 1;
    }

    /// The place of a name, which is the next one if it did not occur yet.
    #[inline(always)]
    pub fn place(&mut self, symbol: Symbol) -> u32 {
        match self.places.get(symbol.index()) {
            Some(&(source, place)) if source == self.source => place,
            _ => self.add(symbol),
        }
    }

    #[inline(never)]
    fn add(&mut self, symbol: Symbol) -> u32 {
        if self.places.len() <= symbol.index() {
            self.places
                .resize((symbol.index() + 1).next_power_of_two(), (0, 0));
        }
        let place = self.names.len() as u32;
        self.places[symbol.index()] = (self.source, place);
        self.names.push(symbol);
        place
    }

    /// The names so far.
    pub fn names(&self) -> &[Symbol] {
        &self.names
    }
}

/// The names looked at lately, by a hash of theirs: most occurrences are of few names, and comparing one word is cheaper
/// than asking the table.
struct Recent(Box<[(u128, Symbol)]>);

const RECENT_BITS: u32 = 12;

/// A short name as one word; 0 for others.
#[inline]
fn pack(name: &[u8]) -> u128 {
    let mut bytes = [0; 16];
    let Some(start) = bytes[..15].get_mut(..name.len()) else {
        return 0;
    };
    start.copy_from_slice(name);
    bytes[15] = name.len() as u8;
    u128::from_le_bytes(bytes)
}

#[inline]
fn mix(packed: u128) -> u64 {
    (packed as u64 ^ (packed >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl Recent {
    fn new() -> Recent {
        Recent(vec![(0, Symbol(0)); 1 << RECENT_BITS].into())
    }

    #[inline]
    fn entry(&mut self, packed: u128) -> &mut (u128, Symbol) {
        &mut self.0[(mix(packed) >> (64 - RECENT_BITS)) as usize]
    }
}

impl Default for Symbols {
    fn default() -> Self {
        Self::new()
    }
}

impl Symbols {
    /// An empty table.
    pub fn new() -> Symbols {
        Symbols::with_capacity(0)
    }

    /// An empty table with room for so many names. A table that grows hashes all its names again.
    pub fn with_capacity(names: usize) -> Symbols {
        Symbols {
            rodeo: Rodeo::with_capacity_and_hasher(Capacity::for_strings(names), FxBuildHasher),
            text: Vec::new(),
            starts: vec![0],
            recent: Recent::new(),
            roll: Roll::default(),
        }
    }

    /// Interns a name.
    #[inline]
    pub fn intern(&mut self, name: &[u8]) -> Symbol {
        self.intern_packed(name, pack(name))
    }

    /// Interns a name that is part of a text. What follows it saves copying it byte by byte.
    #[inline]
    pub fn intern_part(&mut self, text: &[u8], range: Range<usize>) -> Symbol {
        let name = &text[range.clone()];
        let packed = match text[range.start..].first_chunk() {
            Some(bytes) if name.len() < 16 => {
                let mask = (1 << (8 * name.len())) - 1;
                u128::from_le_bytes(*bytes) & mask | (name.len() as u128) << 120
            }
            _ => pack(name),
        };
        self.intern_packed(name, packed)
    }

    #[inline(always)]
    fn intern_packed(&mut self, name: &[u8], packed: u128) -> Symbol {
        if packed == 0 {
            return self.intern_in_table(name);
        }
        let entry = self.recent.entry(packed);
        if entry.0 == packed {
            return entry.1;
        }
        let symbol = self.intern_in_table(name);
        *self.recent.entry(packed) = (packed, symbol);
        symbol
    }

    #[inline(never)]
    fn intern_in_table(&mut self, name: &[u8]) -> Symbol {
        let symbol = Symbol::from_index(self.rodeo.get_or_intern(encode(name)).into_usize());
        if symbol.index() == self.len() {
            self.text.extend_from_slice(name);
            let end = u32::try_from(self.text.len()).expect("names of less than 4 GiB together");
            self.starts.push(end);
        }
        symbol
    }

    /// The symbol of a name that was interned before, if any. Does not grow the table.
    pub fn get(&self, name: &[u8]) -> Option<Symbol> {
        let key = self.rodeo.get(encode(name))?;
        Some(Symbol::from_index(key.into_usize()))
    }

    /// The bytes of a name.
    #[inline]
    pub fn resolve(&self, symbol: Symbol) -> &[u8] {
        let (start, end) = (self.starts[symbol.index()], self.starts[symbol.index() + 1]);
        &self.text[start as usize..end as usize]
    }

    /// The first bytes of a name as a number: names in the order of their bytes are in the order of these, but
    /// different names may have the same one.
    #[inline]
    pub fn prefix(&self, symbol: Symbol) -> u64 {
        let name = self.resolve(symbol);
        let mut bytes = [0; 8];
        let length = name.len().min(8);
        bytes[..length].copy_from_slice(&name[..length]);
        u64::from_be_bytes(bytes)
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether no name was interned yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_dense_and_stable() {
        let mut symbols = Symbols::new();
        let a = symbols.intern(b"a");
        let b = symbols.intern(b"b");
        assert_eq!((a.index(), b.index()), (0, 1));
        assert_eq!(symbols.intern(b"a"), a);
        assert_eq!(symbols.resolve(b), b"b");
    }

    #[test]
    fn many_names_keep_their_symbols() {
        let mut symbols = Symbols::new();
        let name = |i: usize| format!("{i}{}", "x".repeat(i % 20)).into_bytes();
        let first: Vec<Symbol> = (0..20_000).map(|i| symbols.intern(&name(i))).collect();
        let again: Vec<Symbol> = (0..20_000).map(|i| symbols.intern(&name(i))).collect();
        assert_eq!(first, again);
        assert!((0..20_000).all(|i| *symbols.resolve(first[i]) == *name(i)));
        assert_eq!(
            (symbols.intern(b""), symbols.intern(b"")),
            (Symbol(20_000), Symbol(20_000))
        );
    }

    #[test]
    fn the_roll_has_each_name_of_a_source_once() {
        let mut symbols = Symbols::new();
        let [a, b, c] = [b"a", b"b", b"c"].map(|name| symbols.intern(name));
        symbols.roll.start();
        assert_eq!([c, a, c].map(|name| symbols.roll.place(name)), [0, 1, 0]);
        assert_eq!(symbols.roll.names(), [c, a]);
        symbols.roll.start();
        assert_eq!([a, b, c].map(|name| symbols.roll.place(name)), [0, 1, 2]);
        assert_eq!(symbols.roll.names(), [a, b, c]);
    }

    #[test]
    fn parts_are_names() {
        let mut symbols = Symbols::new();
        let text = b"a bb abcdefghijklmno abcdefghijklmnop c";
        for (start, end) in [(0, 0), (0, 1), (2, 4), (5, 20), (21, 37), (38, 39)] {
            let part = symbols.intern_part(text, start..end);
            assert_eq!(symbols.intern(&text[start..end]), part);
            assert_eq!(symbols.resolve(part), &text[start..end]);
        }
        assert_eq!(symbols.len(), 6);
    }

    #[test]
    fn names_may_be_any_bytes() {
        let mut symbols = Symbols::new();
        let odd = symbols.intern(b"x\xff\xc3\xa9");
        assert_eq!(symbols.resolve(odd), b"x\xff\xc3\xa9");
        assert_ne!(odd, symbols.intern("xé".as_bytes()));
    }
}
