//! Source positions: a `u32` that names a byte of one of the loaded sources.
//!
//! Every source gets a range of the 32-bit space when it is registered; a [`Pos`] is that range's start plus
//! the byte offset. Lines and columns are worked out when someone asks, so nothing is counted on the way.

use std::sync::Arc;

/// A byte of a source, or [`Pos::NONE`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Pos(pub u32);

impl Pos {
    /// No position.
    pub const NONE: Pos = Pos(0);

    /// Whether this names a byte of a source.
    #[inline]
    pub fn is_some(self) -> bool {
        self.0 != 0
    }
}

/// Where a source came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A file, by its absolute path.
    File(Arc<[u8]>),
    /// Text given on the command line (`--expr`); the text itself, for error messages.
    String(Arc<[u8]>),
    /// Text read from standard input.
    Stdin(Arc<[u8]>),
}

/// A position in words: its origin, and line and column counted from 1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Location {
    /// Where the source came from.
    pub origin: Origin,
    /// Line, from 1. LF, CR and CRLF each end a line.
    pub line: u32,
    /// Column in bytes, from 1.
    pub column: u32,
}

struct Source {
    base: u32,
    origin: Origin,
    /// Offsets at which lines start, made when first asked for.
    lines: std::cell::OnceCell<Box<[u32]>>,
}

/// All sources that were loaded, with their ranges of positions.
///
/// The text of a file is not kept: it is read again when a position of it is to be shown.
#[derive(Default)]
pub struct SourceMap {
    sources: Vec<Source>,
    next: u32,
}

impl SourceMap {
    /// A map without sources.
    pub fn new() -> SourceMap {
        SourceMap::default()
    }

    /// Registers a source of `len` bytes; returns the base to pass to the parser: byte `i` of the source is
    /// `Pos(base + i)`. Once the 32-bit space is used up the base is 0 and positions of further sources are lost.
    pub fn add(&mut self, origin: Origin, len: usize) -> u32 {
        let base = self.next + 1;
        let Some(next) = u32::try_from(len).ok().and_then(|len| base.checked_add(len)) else {
            return 0;
        };
        self.next = next;
        self.sources.push(Source {
            base,
            origin,
            lines: std::cell::OnceCell::new(),
        });
        base
    }

    fn source(&self, pos: Pos) -> Option<&Source> {
        if !pos.is_some() {
            return None;
        }
        let index = self.sources.partition_point(|source| source.base <= pos.0);
        self.sources.get(index.checked_sub(1)?)
    }

    /// The origin of a position and its byte offset there.
    pub fn origin(&self, pos: Pos) -> Option<(&Origin, u32)> {
        self.source(pos)
            .map(|source| (&source.origin, pos.0 - source.base))
    }

    /// All sources, in the order in which they were registered: the position of each one's first byte, and its origin.
    pub fn sources(&self) -> impl Iterator<Item = (Pos, &Origin)> {
        self.sources
            .iter()
            .map(|source| (Pos(source.base), &source.origin))
    }

    /// Line and column of a position. `read` gives the text of a file by its path; it is called once a file.
    pub fn locate(&self, pos: Pos, read: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> Option<Location> {
        let source = self.source(pos)?;
        let offset = pos.0 - source.base;
        let lines = source.lines.get_or_init(|| match &source.origin {
            Origin::File(path) => line_starts(&read(path).unwrap_or_default()),
            Origin::String(text) | Origin::Stdin(text) => line_starts(text),
        });
        let line = lines.partition_point(|&start| start <= offset).max(1);
        let start = lines.get(line - 1).copied().unwrap_or(0);
        Some(Location {
            origin: source.origin.clone(),
            line: line as u32,
            column: offset - start + 1,
        })
    }
}

/// The offsets at which the lines of a text start.
fn line_starts(text: &[u8]) -> Box<[u32]> {
    let mut starts = vec![0];
    for offset in memchr::memchr2_iter(b'\n', b'\r', text) {
        let start = offset as u32 + 1;
        match starts.last_mut() {
            // LF right behind CR.
            Some(last) if text[..=offset].ends_with(b"\r\n") => *last = start,
            _ => starts.push(start),
        }
    }
    starts.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_with_lf_cr_or_crlf() {
        let mut map = SourceMap::new();
        let base = map.add(Origin::String(Arc::from(&b"a\nb\r\nc\rd"[..])), 9);
        let at = |offset| {
            let location = map.locate(Pos(base + offset), |_| None).unwrap();
            (location.line, location.column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(2), (2, 1));
        assert_eq!(at(5), (3, 1));
        assert_eq!(at(7), (4, 1));
        assert_eq!(&*line_starts(b"\n\r\n\n\r\r"), [0, 1, 3, 4, 5, 6]);
    }
}
