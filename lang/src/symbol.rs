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
        }
    }

    /// Interns a name.
    #[inline]
    pub fn intern(&mut self, name: &[u8]) -> Symbol {
        Symbol(self.rodeo.get_or_intern(encode(name)).into_usize() as u32)
    }

    /// Interns a name known to be an identifier, which saves a look at its bytes.
    #[inline]
    pub fn intern_identifier(&mut self, name: &str) -> Symbol {
        Symbol(self.rodeo.get_or_intern(name).into_usize() as u32)
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
    fn names_may_be_any_bytes() {
        let mut symbols = Symbols::new();
        let odd = symbols.intern(b"x\xff\xc3\xa9");
        assert_eq!(&*symbols.resolve(odd), b"x\xff\xc3\xa9");
        assert_ne!(odd, symbols.intern("xé".as_bytes()));
    }
}
