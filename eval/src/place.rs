//! Positions with the lines of the source around them, as messages show them.

use crate::evaluator::Evaluator;
use nivis_lang::position::{Origin, Pos};
use std::fmt;

/// A position in words, and its line with its neighbours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// `file:line:column`
    pub position: String,
    /// Numbers and texts of lines; none if the source cannot be read any more.
    pub lines: Vec<(usize, String)>,
    /// The number of the line that is meant.
    pub line: usize,
    /// The column that is meant, from 1.
    pub column: usize,
}

impl Evaluator {
    /// The text that a position is in.
    pub fn source(&self, pos: Pos) -> Option<Vec<u8>> {
        match self.origin(pos)? {
            Origin::File(path) => self.host.read_file(&path).ok(),
            Origin::String(text) | Origin::Stdin(text) => Some(text.to_vec()),
        }
    }

    /// A position with the lines around it.
    pub fn place(&self, pos: Pos) -> Option<Place> {
        let location = self.locate(pos)?;
        let line = location.line as usize;
        let source = self.source(pos).unwrap_or_default();
        let around = (1..)
            .zip(lines(&source))
            .skip(line.saturating_sub(2))
            .take_while(|&(number, _)| number <= line + 1);
        Some(Place {
            position: self.show_position(pos),
            lines: around
                .map(|(number, text)| (number, String::from_utf8_lossy(text).into_owned()))
                .collect(),
            line,
            column: location.column as usize,
        })
    }
}

/// Lines that end with LF, CR or CRLF. There is one after the last line's end, too, but none in nothing.
fn lines(source: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(source).filter(|source| !source.is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
            rest = None;
            return Some(text);
        };
        let skip = if text[end..].starts_with(b"\r\n") { 2 } else { 1 };
        rest = Some(&text[end + skip..]);
        Some(&text[..end])
    })
}

impl Place {
    /// Writes the lines, numbered, with `mark` below the column.
    pub fn write_lines(&self, out: &mut impl fmt::Write, mark: &str) -> fmt::Result {
        for (number, text) in &self.lines {
            write!(out, "\n {number:>5}| {text}")?;
            if *number == self.line {
                write!(out, "\n      |{}{mark}", " ".repeat(self.column))?;
            }
        }
        Ok(())
    }
}

/// Without colours.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}:", self.position)?;
        self.write_lines(f, "^")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_line_ends_count() {
        let all = |source: &'static str| lines(source.as_bytes()).collect::<Vec<_>>();
        assert_eq!(all("a\nb\r\nc\rd"), [b"a", b"b", b"c", b"d"]);
        assert_eq!(all("a\n"), [b"a".as_slice(), b""]);
        assert!(all("").is_empty());
    }

    #[test]
    fn a_mark_stands_below_the_column() {
        let place = Place {
            position: "f:2:3".to_owned(),
            lines: vec![(1, "a".to_owned()), (2, "bcd".to_owned())],
            line: 2,
            column: 3,
        };
        assert_eq!(
            place.to_string(),
            "at f:2:3:\n     1| a\n     2| bcd\n      |   ^"
        );
    }
}
