//! The values of strings: escapes, line ends, and the indentation of `''…''` strings.

use std::borrow::Cow;

/// The value of the text of a `"…"` string: escapes replaced, CR and CRLF made LF.
pub fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr2(b'\\', b'\r', text) else {
        return Cow::Borrowed(text);
    };
    let mut value = Vec::with_capacity(text.len());
    value.extend_from_slice(&text[..first]);
    let mut bytes = text[first..].iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => value.extend(bytes.next().map(unescape_byte)),
            b'\r' => {
                value.push(b'\n');
                bytes.next_if_eq(&b'\n');
            }
            byte => value.push(byte),
        }
    }
    Cow::Owned(value)
}

/// What a byte means after a backslash.
fn unescape_byte(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        byte => byte,
    }
}

/// The value of an escape in a `''…''` string, or of a lone `$` or `'`.
pub fn unescape_indented(escape: &[u8]) -> Cow<'_, [u8]> {
    match escape {
        b"'''" => Cow::Borrowed(b"''"),
        [b'\'', b'\'', rest @ ..] => unescape(rest),
        lone => Cow::Borrowed(lone),
    }
}

/// A part of a `''…''` string, for finding and stripping its indentation.
#[derive(Clone, Copy)]
pub enum IndentedPart<'s> {
    /// Text whose leading spaces are indentation.
    Text(&'s [u8]),
    /// Anything else: an escape or an interpolation. It ends the leading spaces of its line.
    Other,
}

/// The number of spaces that all lines of a string have in common. Lines of spaces only do not count.
pub fn common_indent<'s>(parts: impl Iterator<Item = IndentedPart<'s>>) -> usize {
    let mut common = usize::MAX;
    // Spaces so far, while the line has nothing else.
    let mut leading = Some(0);
    for part in parts {
        let IndentedPart::Text(mut text) = part else {
            common = common.min(leading.take().unwrap_or(usize::MAX));
            continue;
        };
        loop {
            if let Some(before) = leading {
                let spaces = text.iter().take_while(|&&byte| byte == b' ').count();
                text = &text[spaces..];
                leading = match text.first() {
                    None => Some(before + spaces),
                    Some(b'\n') => None,
                    Some(_) => {
                        common = common.min(before + spaces);
                        None
                    }
                };
                if leading.is_some() {
                    break;
                }
            }
            let Some(line_end) = memchr::memchr(b'\n', text) else {
                break;
            };
            text = &text[line_end + 1..];
            leading = Some(0);
        }
    }
    common
}

/// Removes indentation from the text parts of one string, in order.
pub struct Stripper {
    indent: usize,
    /// Spaces dropped from the current line, while it has nothing else.
    dropped: Option<usize>,
}

impl Stripper {
    /// A stripper that takes up to `indent` spaces from the start of each line.
    pub fn new(indent: usize) -> Stripper {
        Stripper {
            indent,
            dropped: Some(0),
        }
    }

    /// Passes over a part that is not text.
    pub fn skip(&mut self) {
        self.dropped = None;
    }

    /// Strips a text part. For the `last` part of a string, a last line of spaces only is made empty.
    pub fn strip<'s>(&mut self, mut text: &'s [u8], last: bool) -> Cow<'s, [u8]> {
        if let (true, Some(line_end)) = (last, memchr::memrchr(b'\n', text))
            && text[line_end + 1..].iter().all(|&byte| byte == b' ')
        {
            text = &text[..line_end + 1];
        }
        let Some(line_end) = memchr::memchr(b'\n', text).filter(|&at| at + 1 < text.len()) else {
            // One line: a slice will do.
            let line = self.line(text);
            self.dropped = if text.ends_with(b"\n") {
                Some(0)
            } else {
                self.dropped
            };
            return Cow::Borrowed(line);
        };
        let mut value = Vec::with_capacity(text.len());
        value.extend_from_slice(self.line(&text[..line_end + 1]));
        text = &text[line_end + 1..];
        while !text.is_empty() {
            let length = memchr::memchr(b'\n', text).map_or(text.len(), |at| at + 1);
            self.dropped = Some(0);
            value.extend_from_slice(self.line(&text[..length]));
            text = &text[length..];
        }
        if value.ends_with(b"\n") {
            self.dropped = Some(0);
        }
        Cow::Owned(value)
    }

    /// A line, or the rest of one, without indentation.
    fn line<'s>(&mut self, line: &'s [u8]) -> &'s [u8] {
        let Some(dropped) = self.dropped else { return line };
        let spaces = line.iter().take_while(|&&byte| byte == b' ').count();
        self.dropped = (spaces == line.len()).then_some(dropped + spaces);
        &line[spaces.min(self.indent.saturating_sub(dropped))..]
    }
}
