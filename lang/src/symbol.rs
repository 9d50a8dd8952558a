//! Interned names. A [`Symbol`] is a `u32` handed out in the order of first occurrence.
//!
//! The order matters: the reference compares attribute sets and reports missing arguments in symbol order,
//! so which of two errors a user sees depends on it.

use crate::bytes::{decode, encode};
use lasso::{Key, Rodeo};
use rustc_hash::FxBuildHasher;
use std::borrow::Cow;

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

/// The table of names.
///
/// Nix names are byte strings. Valid UTF-8 is kept as it is; the rare other bytes are carried as private
/// code points (see [`crate::bytes`]) so that lasso, which holds `str`, can store them.
pub struct Symbols {
    rodeo: Rodeo32,
    recent: Recent,
}

/// The names looked at lately, by a hash of theirs: most occurrences are of few names, and comparing one word is cheaper
/// than asking the table.
struct Recent(Box<[(u128, Symbol)]>);

const RECENT_BITS: u32 = 12;

impl Recent {
    fn new() -> Recent {
        Recent(vec![(0, Symbol(0)); 1 << RECENT_BITS].into())
    }

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
    fn entry(&mut self, packed: u128) -> &mut (u128, Symbol) {
        let mixed = (packed as u64 ^ (packed >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        &mut self.0[(mixed >> (64 - RECENT_BITS)) as usize]
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
        Symbols {
            rodeo: Rodeo::with_hasher(FxBuildHasher),
            recent: Recent::new(),
        }
    }

    /// Interns a name.
    #[inline]
    pub fn intern(&mut self, name: &[u8]) -> Symbol {
        self.intern_with(name, |rodeo| rodeo.get_or_intern(encode(name)))
    }

    /// Interns a name known to be an identifier, which saves a look at its bytes.
    #[inline]
    pub fn intern_identifier(&mut self, name: &str) -> Symbol {
        self.intern_with(name.as_bytes(), |rodeo| rodeo.get_or_intern(name))
    }

    #[inline]
    fn intern_with(&mut self, name: &[u8], ask: impl FnOnce(&mut Rodeo32) -> lasso::Spur) -> Symbol {
        let packed = Recent::pack(name);
        if packed == 0 {
            return Symbol(ask(&mut self.rodeo).into_usize() as u32);
        }
        let entry = self.recent.entry(packed);
        if entry.0 != packed {
            *entry = (packed, Symbol(ask(&mut self.rodeo).into_usize() as u32));
        }
        entry.1
    }

    /// The symbol of a name that was interned before, if any. Does not grow the table.
    pub fn get(&self, name: &[u8]) -> Option<Symbol> {
        self.rodeo
            .get(encode(name))
            .map(|key| Symbol(key.into_usize() as u32))
    }

    /// The bytes of a name.
    #[inline]
    pub fn resolve(&self, symbol: Symbol) -> Cow<'_, [u8]> {
        let key = lasso::Spur::try_from_usize(symbol.index()).expect("a symbol of this table");
        decode(self.rodeo.resolve(&key))
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.rodeo.len()
    }

    /// Whether no name was interned yet.
    pub fn is_empty(&self) -> bool {
        self.rodeo.is_empty()
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
        assert_eq!(&*symbols.resolve(b), b"b");
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
    fn names_may_be_any_bytes() {
        let mut symbols = Symbols::new();
        let odd = symbols.intern(b"x\xff\xc3\xa9");
        assert_eq!(&*symbols.resolve(odd), b"x\xff\xc3\xa9");
        assert_ne!(odd, symbols.intern("xé".as_bytes()));
    }
}
