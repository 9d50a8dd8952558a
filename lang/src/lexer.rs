//! From bytes to tokens.
//!
//! Outside of strings and paths the tokens are those of the regular expressions on [`SyntaxKind`]. Strings and
//! paths have lexical rules of their own; which rules are in force is an explicit stack of [`Mode`]s, because
//! `${` leads back into expressions. Tokens are cut as the reference cuts them, even where that is odd: its
//! error messages and the parts of its strings depend on it.

use crate::kind::SyntaxKind;
use crate::unescape::unescape;
use logos::Logos;

/// A token: its kind and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
    /// What it is.
    pub kind: SyntaxKind,
}

/// Why the lexer rejects a token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LexError {
    /// The integer does not fit 64 bits.
    IntRange,
    /// The float is out of range.
    FloatRange,
    /// A path ends in a slash.
    TrailingSlash,
    /// A string holds a zero byte.
    NulByte {
        /// Whether it is a `''…''` string.
        indented: bool,
    },
    /// `<|` or `|>` while the feature is off.
    PipeOperator,
    /// Very many tokens without a blank between them. Each could be the start of a path or URI, and would have to be
    /// scanned to the end of all.
    NoBlanks,
}

/// The tokens of a source, without trivia, ended by one of kind [`SyntaxKind::Eof`].
#[derive(Default)]
pub struct Tokens {
    /// The tokens.
    pub tokens: Vec<Token>,
    /// Tokens the lexer rejects, by their index.
    pub errors: Vec<(usize, LexError)>,
}

/// Which lexical rules are in force.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Expressions.
    Default,
    /// Inside `"…"`.
    String,
    /// Inside `''…''`.
    Indented,
    /// In a path whose last byte was not a slash.
    Path,
    /// In a path, after a slash: the path must go on.
    PathSlash,
}

/// Cuts `source` into tokens. Unless `recover` is set, stops at the first token it must reject, which then is of
/// kind [`SyntaxKind::Invalid`].
///
/// The source must be shorter than 4 GiB.
pub fn lex(source: &[u8], pipe_operators: bool, recover: bool) -> Tokens {
    let mut lexer = Lexer {
        source,
        tokens: Vec::with_capacity(source.len() / 7 + 2),
        errors: Vec::new(),
        stack: Vec::new(),
        mode: Mode::Default,
        position: 0,
        pipe_operators,
        recover,
        run: 0,
        comment_ends: true,
        has_nul: memchr::memchr(0, source).is_some(),
    };
    lexer.run();
    Tokens {
        tokens: lexer.tokens,
        errors: lexer.errors,
    }
}

struct Lexer<'s> {
    source: &'s [u8],
    tokens: Vec<Token>,
    errors: Vec<(usize, LexError)>,
    /// Modes to go back to, outermost first.
    stack: Vec<Mode>,
    mode: Mode,
    position: usize,
    pipe_operators: bool,
    recover: bool,
    /// How many tokens there were since the last blank or bracket.
    run: u32,
    /// Whether there may be a `*/` further on.
    comment_ends: bool,
    /// Whether there is a zero byte somewhere.
    has_nul: bool,
}

/// More tokens than that may only follow one another without blanks if they are not too long in all.
const LONG_RUN: u32 = 256;
/// The most bytes of paths or URIs without a blank, for tokens that follow many others.
const LONGEST_RUN: usize = 1 << 14;

/// Whether the lexer goes on after a token.
#[derive(PartialEq, Eq)]
enum Flow {
    Continue,
    Stop,
}

impl Lexer<'_> {
    fn run(&mut self) {
        loop {
            let flow = match self.mode {
                Mode::Default => self.expression(),
                Mode::String => self.string(),
                Mode::Indented => self.indented(),
                Mode::Path => self.path(),
                Mode::PathSlash => self.path_slash(),
            };
            if flow == Flow::Stop {
                return;
            }
        }
    }

    fn push(&mut self, kind: SyntaxKind, end: usize) {
        self.tokens.push(Token {
            start: self.position as u32,
            end: end as u32,
            kind,
        });
        self.position = end;
    }

    /// Adds the last token. What the source holds after it is none of the grammar's business.
    fn eof(&mut self, end: usize) -> Flow {
        self.push(SyntaxKind::Eof, end);
        Flow::Stop
    }

    /// Adds a token that is not acceptable.
    fn reject(&mut self, kind: SyntaxKind, end: usize, error: LexError) -> Flow {
        self.errors.push((self.tokens.len(), error));
        if self.recover {
            self.push(kind, end);
            return Flow::Continue;
        }
        self.push(SyntaxKind::Invalid, end);
        self.position = self.source.len();
        self.eof(self.source.len())
    }

    fn enter(&mut self, mode: Mode) {
        self.stack.push(self.mode);
        self.mode = mode;
    }

    fn leave(&mut self) {
        if let Some(mode) = self.stack.pop() {
            self.mode = mode;
        }
    }

    /// Tokens up to the next change of mode.
    fn expression(&mut self) -> Flow {
        let mut lexer = SyntaxKind::lexer(self.source);
        loop {
            self.position += blanks(&self.source[self.position..], &mut self.run);
            let (kind, span) = match simple_token(self.source, self.position) {
                Some((kind, end)) => (kind, self.position..end),
                None => {
                    lexer.bump(self.position - lexer.span().end);
                    match lexer.next() {
                        Some(Ok(kind)) => (kind, lexer.span()),
                        Some(Err(())) => (SyntaxKind::Unknown, lexer.span()),
                        None => return self.eof(self.source.len()),
                    }
                }
            };
            self.run += 1;
            if self.run.is_multiple_of(LONG_RUN) {
                let length = self.path_bytes();
                if length > LONGEST_RUN {
                    return self.reject(SyntaxKind::Unknown, span.start + length, LexError::NoBlanks);
                }
            }
            match kind {
                SyntaxKind::Whitespace => {
                    self.run = 0;
                    self.position = span.end;
                }
                SyntaxKind::Comment => {
                    let body = &self.source[span.end..];
                    self.position = span.end + memchr::memchr2(b'\n', b'\r', body).unwrap_or(body.len());
                }
                SyntaxKind::CommentStart => {
                    let body = &self.source[span.end..];
                    let end = if self.comment_ends {
                        memchr::memmem::find(body, b"*/")
                    } else {
                        None
                    };
                    if let Some(length) = end {
                        self.position = span.end + length + 2;
                        continue;
                    }
                    self.comment_ends = false;
                    self.push(SyntaxKind::Slash, span.start + 1);
                    self.push(SyntaxKind::Star, span.end);
                }
                SyntaxKind::LBrace | SyntaxKind::DollarBrace => {
                    self.push(kind, span.end);
                    self.enter(Mode::Default);
                }
                SyntaxKind::RBrace => {
                    self.push(kind, span.end);
                    self.leave();
                    if self.mode != Mode::Default {
                        return Flow::Continue;
                    }
                }
                SyntaxKind::Quote => {
                    self.push(kind, span.end);
                    self.enter(Mode::String);
                    return Flow::Continue;
                }
                SyntaxKind::IndentedOpen => {
                    self.push(kind, span.end);
                    self.enter(Mode::Indented);
                    return Flow::Continue;
                }
                SyntaxKind::Path | SyntaxKind::HomePath => {
                    self.push(kind, span.end);
                    self.enter(path_mode(self.source[span.end - 1]));
                    return Flow::Continue;
                }
                SyntaxKind::PathDollar | SyntaxKind::HomePathDollar => {
                    let kind = if kind == SyntaxKind::PathDollar {
                        SyntaxKind::Path
                    } else {
                        SyntaxKind::HomePath
                    };
                    self.push(kind, span.end - 2);
                    self.enter(Mode::Path);
                    self.push(SyntaxKind::DollarBrace, span.end);
                    self.enter(Mode::Default);
                }
                SyntaxKind::Int if !int_fits(&self.source[span.clone()]) => {
                    return self.reject(kind, span.end, LexError::IntRange);
                }
                SyntaxKind::Float if float(&self.source[span.clone()]).is_none() => {
                    return self.reject(kind, span.end, LexError::FloatRange);
                }
                SyntaxKind::PipeFrom | SyntaxKind::PipeInto if !self.pipe_operators => {
                    return self.reject(kind, span.end, LexError::PipeOperator);
                }
                SyntaxKind::Unknown if self.source[span.start] == 0 => return self.eof(span.end),
                _ => self.push(kind, span.end),
            }
        }
    }

    /// How many of the bytes that follow could belong to a path.
    #[cold]
    fn path_bytes(&self) -> usize {
        self.source[self.position..]
            .iter()
            .take_while(|&&byte| is_path_byte(byte))
            .count()
    }

    fn string(&mut self) -> Flow {
        let start = self.position;
        let mut at = start;
        loop {
            at += plain_length(&self.source[at..]);
            match (self.source.get(at), self.source.get(at + 1)) {
                (Some(b'\\'), Some(_)) => at += 2,
                (Some(b'$'), Some(b'\\')) if at + 2 < self.source.len() => at += 3,
                (Some(b'$'), Some(b'"')) => at += 1,
                (Some(b'$'), Some(byte)) if !matches!(byte, b'{' | b'\\') => at += 2,
                _ => break,
            }
        }
        if at > start {
            if self.has_nul && unescape_finds_nul(&self.source[start..at]) {
                return self.reject(SyntaxKind::StringText, at, LexError::NulByte { indented: false });
            }
            self.push(SyntaxKind::StringText, at);
        }
        match self.source.get(at) {
            Some(b'"') => {
                self.push(SyntaxKind::Quote, at + 1);
                self.leave();
            }
            Some(b'$') if self.source.get(at + 1) == Some(&b'{') => {
                self.push(SyntaxKind::DollarBrace, at + 2);
                self.enter(Mode::Default);
            }
            // Nothing more, or an escape that is cut off.
            _ => return self.eof(self.source.len()),
        }
        Flow::Continue
    }

    fn indented(&mut self) -> Flow {
        let start = self.position;
        let mut at = start;
        loop {
            at = memchr::memchr2(b'\'', b'$', &self.source[at..])
                .map_or(self.source.len(), |found| at + found);
            match (self.source.get(at), self.source.get(at + 1)) {
                (Some(b'$'), Some(byte)) if !matches!(byte, b'{' | b'\'') => at += 2,
                (Some(b'\''), Some(byte)) if !matches!(byte, b'$' | b'\'') => at += 2,
                _ => break,
            }
        }
        if at > start {
            if self.has_nul && self.source[start..at].contains(&0) {
                return self.reject(SyntaxKind::IndentedText, at, LexError::NulByte { indented: true });
            }
            self.push(SyntaxKind::IndentedText, at);
        }
        let rest = &self.source[at..];
        match rest {
            [b'$', b'{', ..] => {
                self.push(SyntaxKind::DollarBrace, at + 2);
                self.enter(Mode::Default);
            }
            [b'\'', b'\'', b'$' | b'\'', ..] => self.push(SyntaxKind::IndentedEscape, at + 3),
            [b'\'', b'\'', b'\\', _, ..] => self.push(SyntaxKind::IndentedEscape, at + 4),
            [b'\'', b'\'', ..] => {
                self.push(SyntaxKind::IndentedClose, at + 2);
                self.leave();
            }
            [b'$' | b'\'', ..] => self.push(SyntaxKind::IndentedEscape, at + 1),
            _ => return self.eof(self.source.len()),
        }
        Flow::Continue
    }

    /// The bytes of the path that follow, cut as the longest of `PATH`, `PATH_SEG` and `PATH_CHAR+`.
    fn path_text(&mut self) -> Option<Flow> {
        let rest = &self.source[self.position..];
        if rest.starts_with(b"${") {
            self.push(SyntaxKind::DollarBrace, self.position + 2);
            self.mode = Mode::Path;
            self.enter(Mode::Default);
            return Some(Flow::Continue);
        }
        let mut length = 0;
        loop {
            length += rest[length..]
                .iter()
                .take_while(|&&byte| is_path_byte(byte))
                .count();
            if rest.get(length) != Some(&b'/') {
                break;
            }
            length += 1;
            if !rest.get(length).is_some_and(|&byte| is_path_byte(byte)) {
                break;
            }
        }
        if length == 0 {
            return None;
        }
        self.mode = path_mode(rest[length - 1]);
        self.push(SyntaxKind::PathText, self.position + length);
        Some(Flow::Continue)
    }

    fn path(&mut self) -> Flow {
        self.path_text().unwrap_or_else(|| {
            self.push(SyntaxKind::PathEnd, self.position);
            self.leave();
            Flow::Continue
        })
    }

    fn path_slash(&mut self) -> Flow {
        self.path_text().unwrap_or_else(|| {
            self.leave();
            self.reject(SyntaxKind::PathEnd, self.position, LexError::TrailingSlash)
        })
    }
}

/// How many blanks the text starts with; they end a run of tokens.
#[inline(always)]
fn blanks(text: &[u8], run: &mut u32) -> usize {
    let count = text.iter().take_while(|&&byte| has_class(byte, BLANK)).count();
    if count > 0 {
        *run = 0;
    }
    count
}

/// The token at a place, if one or two bytes more tell that it is not the start of a longer one: names, keywords and
/// most punctuation. The tokens are those of the regular expressions on [`SyntaxKind`]; this is only faster.
#[inline(always)]
fn simple_token(source: &[u8], start: usize) -> Option<(SyntaxKind, usize)> {
    let first = *source.get(start)?;
    let next = source.get(start + 1).copied().unwrap_or_default();
    let kind = match first {
        _ if has_class(first, NAME_START) => return name(source, start),
        b';' => SyntaxKind::Semicolon,
        b'=' if next == b'=' => return Some((SyntaxKind::Equal, start + 2)),
        b'=' => SyntaxKind::Assign,
        b'{' => SyntaxKind::LBrace,
        b'}' => SyntaxKind::RBrace,
        b'(' => SyntaxKind::LParen,
        b')' => SyntaxKind::RParen,
        b'[' => SyntaxKind::LBracket,
        b']' => SyntaxKind::RBracket,
        b',' => SyntaxKind::Comma,
        b':' => SyntaxKind::Colon,
        b'@' => SyntaxKind::At,
        b'?' => SyntaxKind::Question,
        b'"' => SyntaxKind::Quote,
        b'#' => SyntaxKind::Comment,
        // Else it is part of a number, an ellipsis or a path.
        b'.' if !has_class(next, DIGIT) && next != b'.' && path_end(source, start) != b'/' => SyntaxKind::Dot,
        _ => return None,
    };
    Some((kind, start + 1))
}

/// The name or keyword at a place, unless it is the start of a path or URI.
#[inline(always)]
fn name(source: &[u8], start: usize) -> Option<(SyntaxKind, usize)> {
    let rest = &source[start..];
    let length = rest.iter().take_while(|&&byte| has_class(byte, NAME)).count();
    let end = start + length;
    match source.get(end) {
        Some(b'/') => return None,
        Some(b'.' | b'+') if matches!(path_end(source, end), b'/' | b':') => return None,
        Some(b':') if source.get(end + 1).is_some_and(|&byte| has_class(byte, URI)) => return None,
        _ => {}
    }
    let kind = match &rest[..length] {
        b"if" => SyntaxKind::If,
        b"in" => SyntaxKind::In,
        b"or" => SyntaxKind::Or,
        b"let" => SyntaxKind::Let,
        b"rec" => SyntaxKind::Rec,
        b"then" => SyntaxKind::Then,
        b"else" => SyntaxKind::Else,
        b"with" => SyntaxKind::With,
        b"assert" => SyntaxKind::Assert,
        b"inherit" => SyntaxKind::Inherit,
        _ => SyntaxKind::Ident,
    };
    Some((kind, end))
}

/// The byte after the bytes from here on that could belong to a path; 0 at the end.
#[inline]
fn path_end(source: &[u8], start: usize) -> u8 {
    let mut rest = source[start..].iter().copied();
    rest.find(|&byte| !has_class(byte, PATH)).unwrap_or_default()
}

const BLANK: u8 = 1;
const NAME_START: u8 = 2;
const NAME: u8 = 4;
const PATH: u8 = 8;
const URI: u8 = 16;
const DIGIT: u8 = 32;

/// The classes of each byte.
static CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    loop {
        let letter = if byte.is_ascii_alphabetic() {
            NAME_START | NAME | PATH | URI
        } else {
            0
        };
        let digit = if byte.is_ascii_digit() {
            DIGIT | NAME | PATH | URI
        } else {
            0
        };
        let other = match byte {
            b' ' | b'\t' | b'\r' | b'\n' => BLANK,
            b'_' => NAME_START | NAME | PATH | URI,
            b'-' => NAME | PATH | URI,
            b'\'' => NAME | URI,
            b'.' | b'+' => PATH | URI,
            b'%' | b'/' | b'?' | b':' | b'@' | b'&' | b'=' | b'$' | b',' | b'!' | b'~' | b'*' => URI,
            _ => 0,
        };
        table[byte as usize] = letter | digit | other;
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

#[inline(always)]
fn has_class(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// Whether bytes have the form of an identifier or a keyword.
pub(crate) fn is_name(bytes: &[u8]) -> bool {
    let starts = bytes.first().is_some_and(|&byte| has_class(byte, NAME_START));
    starts && bytes.iter().all(|&byte| has_class(byte, NAME))
}

/// The blanks and comments between two tokens.
pub fn trivia(source: &[u8], start: u32, end: u32) -> impl Iterator<Item = Token> + '_ {
    let mut at = start as usize;
    std::iter::from_fn(move || {
        let rest = source.get(at..end as usize).filter(|rest| !rest.is_empty())?;
        let (kind, length) = match rest[0] {
            b'#' => (
                SyntaxKind::Comment,
                memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()),
            ),
            b'/' => {
                let body = rest.get(2..).unwrap_or_default();
                (
                    SyntaxKind::Comment,
                    memchr::memmem::find(body, b"*/").map_or(rest.len(), |at| at + 4),
                )
            }
            _ => {
                let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
                (
                    SyntaxKind::Whitespace,
                    rest.iter().take_while(blank).count().max(1),
                )
            }
        };
        let token = Token {
            start: at as u32,
            end: (at + length) as u32,
            kind,
        };
        at += length;
        Some(token)
    })
}

const fn stops(bytes: &[u8]) -> [u8; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < bytes.len() {
        table[bytes[i] as usize] = 1;
        i += 1;
    }
    table
}

/// The bytes that mean something in a `"…"` string.
static STRING_STOPS: [u8; 256] = stops(b"\"\\$");

/// How many bytes there are before the first one that means something in a `"…"` string.
#[inline(always)]
fn plain_length(text: &[u8]) -> usize {
    // Eight bytes at a time: the high bit of each that is one of the three. Borrowing makes mistakes above the first
    // one only.
    const ONES: u64 = u64::MAX / 0xff;
    let equal = |word: u64, byte: u8| {
        let zero = word ^ (ONES * u64::from(byte));
        zero.wrapping_sub(ONES) & !zero & (ONES << 7)
    };
    let mut length = 0;
    while let Some(word) = text.get(length..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        let found = equal(word, b'"') | equal(word, b'\\') | equal(word, b'$');
        if found != 0 {
            return length + (found.trailing_zeros() / 8) as usize;
        }
        length += 8;
    }
    let rest = text[length..].iter();
    length
        + rest
            .take_while(|&&byte| STRING_STOPS[usize::from(byte)] == 0)
            .count()
}

/// Whether there is a zero byte in the text of a `"…"` string. The reference overlooks those after a backslash.
#[cold]
fn unescape_finds_nul(text: &[u8]) -> bool {
    let mut escaped = false;
    text.iter().any(|&byte| {
        let found = byte == 0 && !escaped;
        escaped = byte == b'\\' && !escaped;
        found
    })
}

fn is_path_byte(byte: u8) -> bool {
    has_class(byte, PATH)
}

fn path_mode(last: u8) -> Mode {
    if last == b'/' { Mode::PathSlash } else { Mode::Path }
}

fn int_fits(digits: &[u8]) -> bool {
    digits.len() < 19 || int(digits).is_some()
}

/// The value of an integer literal, unless it is out of range.
pub(crate) fn int(digits: &[u8]) -> Option<i64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The value of a float literal, unless it is out of range. As with `strtod`, numbers too small for full
/// precision are out of range, too.
pub(crate) fn float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let value: f64 = text.parse().ok()?;
    let mantissa = text.split(['e', 'E']).next().unwrap_or(text);
    let exact_zero = mantissa.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    (value.is_normal() || exact_zero).then_some(value)
}

/// The reference's words for a token it rejects.
pub(crate) fn lex_message(error: &LexError, text: &[u8]) -> String {
    let lossy = String::from_utf8_lossy(text);
    match error {
        LexError::IntRange => format!("invalid integer '{lossy}'"),
        LexError::FloatRange => format!("invalid float '{lossy}'"),
        LexError::TrailingSlash => "path has a trailing slash".to_owned(),
        LexError::NulByte { indented } => {
            let value = if *indented { text.into() } else { unescape(text) };
            let value = String::from_utf8_lossy(&value).replace('\0', "␀");
            format!("input string '{value}' cannot be represented as Nix string because it contains null bytes")
        }
        LexError::NoBlanks => "too many tokens without a blank between them".to_owned(),
        LexError::PipeOperator => {
            "experimental Nix feature 'pipe-operators' is disabled; add '--extra-experimental-features pipe-operators' to enable it"
                .to_owned()
        }
    }
}
