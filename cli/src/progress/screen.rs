//! The lines at the bottom of a terminal that are drawn again and again, with what passes by above them.

use std::io::{self, Write};
use terminal_size::{Height, Width, terminal_size_of};

/// Lines at the bottom.
#[derive(Debug, Default)]
pub(super) struct Screen {
    drawn: Vec<String>,
}

impl Screen {
    /// Columns and rows. Terminals that do not say are small ones.
    pub(super) fn size() -> (usize, usize) {
        match terminal_size_of(io::stderr()) {
            Some((Width(width), Height(height))) if width > 0 && height > 0 => (width.into(), height.into()),
            _ => (80, 24),
        }
    }

    /// Draws lines in place of those that are there, if they differ.
    pub(super) fn draw(&mut self, lines: Vec<String>) {
        if lines != self.drawn {
            let mut text = self.erasing();
            for line in &lines {
                text.push_str(line);
                text.push('\n');
            }
            put(text.as_bytes());
            self.drawn = lines;
        }
    }

    /// Writes something above the lines.
    pub(super) fn above(&mut self, text: &[u8]) {
        let mut out = self.erasing().into_bytes();
        out.extend_from_slice(text);
        for line in &self.drawn {
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
        put(&out);
    }

    /// Takes the lines away.
    pub(super) fn clear(&mut self) {
        if !self.drawn.is_empty() {
            put(self.erasing().as_bytes());
            self.drawn.clear();
        }
    }

    /// What erases the lines.
    fn erasing(&self) -> String {
        match self.drawn.len() {
            0 => String::new(),
            count => format!("\r\x1b[{count}A\x1b[J"),
        }
    }
}

fn put(bytes: &[u8]) {
    // If the terminal is gone there is nobody to tell.
    let _ = io::stderr().lock().write_all(bytes);
}

/// A line cut to so many columns; escape sequences take no room.
pub(crate) fn cut(line: &str, width: usize) -> String {
    let mut out = String::new();
    let mut room = width;
    let mut chars = line.chars();
    let mut coloured = false;
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            coloured = true;
            out.push(c);
            for c in chars.by_ref() {
                out.push(c);
                if c.is_ascii_alphabetic() {
                    break;
                }
            }
            continue;
        }
        if c.is_control() {
            continue;
        }
        if room == 0 {
            out.pop();
            out.push('…');
            break;
        }
        room -= 1;
        out.push(c);
    }
    if coloured {
        out.push_str("\x1b[0m");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_where_they_end_on_the_screen() {
        assert_eq!(cut("abcdef", 6), "abcdef");
        assert_eq!(cut("abcdefg", 6), "abcde…");
        assert_eq!(cut("a\x1b[1mbc\x1b[0md", 4), "a\x1b[1mbc\x1b[0md\x1b[0m");
        assert_eq!(cut("a\x1b[1mbcd", 2), "a\x1b[1m…\x1b[0m");
    }
}
