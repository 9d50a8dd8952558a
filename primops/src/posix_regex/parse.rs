//! The grammar of extended regular expressions, and the rules about what is valid.
//!
//! The tree lives in one vector, and groups are kept on an explicit stack: a pattern with a hundred thousand nested
//! parentheses must not exhaust the native one.

use super::RegexError;
use super::byte_set::ByteSet;

/// The C++ library refuses automata with more states than this; patterns are judged by the same count, so that the
/// same ones are refused.
const STATE_LIMIT: u64 = 100_000;

/// Index of a node in [`Tree::nodes`].
pub(super) type NodeId = u32;

/// One construct of the pattern.
#[derive(Debug)]
pub(super) enum Kind {
    Empty,
    Byte(u8),
    Set(Box<ByteSet>),
    LineStart,
    LineEnd,
    /// A group and its number, from zero.
    Group(u32, NodeId),
    Concat(Vec<NodeId>),
    /// Two alternatives, the preferred one first.
    Either(NodeId, NodeId),
    /// `node{min,max}`; `None` means without end.
    Repeat {
        node: NodeId,
        min: u32,
        max: Option<u32>,
    },
}

/// A construct together with what its parents need to know of it.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Whether it can match the empty text.
    pub(super) nullable: bool,
    /// The number of states the C++ library would copy to repeat it once more.
    states: u64,
}

/// A parsed pattern.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) root: NodeId,
    pub(super) groups: u32,
}

/// Parses `pattern`.
pub(super) fn parse(pattern: &[u8]) -> Result<Tree, RegexError> {
    let mut parser = Parser {
        rest: pattern,
        token: Token::End,
        nodes: Vec::with_capacity(pattern.len() + 2),
        states: 1,
        groups: 0,
    };
    parser.advance()?;
    let root = parser.expression()?;
    parser.charge(2)?;
    Ok(Tree {
        nodes: parser.nodes,
        root,
        groups: parser.groups,
    })
}

#[derive(Clone, Copy, Debug)]
enum Token {
    Byte(u8),
    Any,
    Set(ByteSet),
    LineStart,
    LineEnd,
    Open,
    Close,
    Or,
    Repeat { min: u32, max: Option<u32> },
    End,
}

struct Parser<'a> {
    rest: &'a [u8],
    token: Token,
    nodes: Vec<Node>,
    states: u64,
    groups: u32,
}

/// A group that is still open (or the whole pattern): the alternatives so far, and the current one's parts.
#[derive(Default)]
struct Level {
    group: u32,
    alternatives: Option<NodeId>,
    parts: Vec<NodeId>,
}

impl Parser<'_> {
    fn expression(&mut self) -> Result<NodeId, RegexError> {
        let mut outer = Vec::new();
        let mut level = Level::default();
        loop {
            let token = self.token;
            let part = match token {
                Token::Byte(byte) => self.leaf(Kind::Byte(byte), false)?,
                Token::Any => self.leaf(Kind::Set(Box::new(ByteSet::ANY)), false)?,
                Token::Set(set) => self.leaf(Kind::Set(Box::new(set)), false)?,
                Token::LineStart => self.leaf(Kind::LineStart, true)?,
                Token::LineEnd => self.leaf(Kind::LineEnd, true)?,
                Token::Open => {
                    self.charge(1)?;
                    let inner = Level {
                        group: self.groups,
                        ..Level::default()
                    };
                    outer.push(std::mem::replace(&mut level, inner));
                    self.groups += 1;
                    self.advance()?;
                    continue;
                }
                Token::Or => {
                    let alternatives = self.finish_alternative(&mut level)?;
                    level.alternatives = Some(alternatives);
                    self.advance()?;
                    continue;
                }
                Token::Close => {
                    let parent = outer.pop().ok_or(RegexError::Invalid)?;
                    let mut group = std::mem::replace(&mut level, parent);
                    let body = self.finish_alternative(&mut group)?;
                    self.charge(1)?;
                    let Node { nullable, states, .. } = self.nodes[body as usize];
                    self.push(Kind::Group(group.group, body), nullable, states + 2)
                }
                Token::End if outer.is_empty() => return self.finish_alternative(&mut level),
                // A repetition with nothing before it, or a group that isn't closed.
                Token::Repeat { .. } | Token::End => return Err(RegexError::Invalid),
            };
            self.advance()?;
            let part = if matches!(token, Token::LineStart | Token::LineEnd) {
                part
            } else {
                self.repeated(part)?
            };
            level.parts.push(part);
        }
    }

    /// Applies the repetitions that follow `node`.
    fn repeated(&mut self, mut node: NodeId) -> Result<NodeId, RegexError> {
        while let Token::Repeat { min, max } = self.token {
            self.advance()?;
            let once = &self.nodes[node as usize];
            let (nullable, states) = (once.nullable, once.states);
            let (copied, total) = match (min, max) {
                // `*` and `+` wrap what is there, an interval makes copies of it.
                (0 | 1, None) => (1, states + 1),
                (0, Some(1)) => (2, states + 2),
                (min, None) => {
                    let copies = 2 + (u64::from(min) + 1) * states;
                    (copies, copies)
                }
                (min, Some(max)) => {
                    let copies = 2 + u64::from(min) * states + u64::from(max - min) * (states + 1);
                    (copies, copies)
                }
            };
            self.charge(copied)?;
            node = self.push(Kind::Repeat { node, min, max }, nullable || min == 0, total);
        }
        Ok(node)
    }

    /// Ends the current alternative of `level`, and joins it with those before it.
    fn finish_alternative(&mut self, level: &mut Level) -> Result<NodeId, RegexError> {
        self.charge(1)?;
        let parts = std::mem::take(&mut level.parts);
        let nullable = parts.iter().all(|&part| self.nodes[part as usize].nullable);
        let states = 1 + parts
            .iter()
            .map(|&part| self.nodes[part as usize].states)
            .sum::<u64>();
        let kind = if parts.is_empty() {
            Kind::Empty
        } else {
            Kind::Concat(parts)
        };
        let last = self.push(kind, nullable, states);
        let Some(before) = level.alternatives.take() else {
            return Ok(last);
        };
        self.charge(2)?;
        let first = &self.nodes[before as usize];
        let (nullable, states) = (nullable || first.nullable, states + first.states + 2);
        Ok(self.push(Kind::Either(before, last), nullable, states))
    }

    fn leaf(&mut self, kind: Kind, nullable: bool) -> Result<NodeId, RegexError> {
        self.charge(1)?;
        Ok(self.push(kind, nullable, 1))
    }

    fn push(&mut self, kind: Kind, nullable: bool, states: u64) -> NodeId {
        let id = self.nodes.len() as NodeId;
        self.nodes.push(Node {
            kind,
            nullable,
            states,
        });
        id
    }

    fn charge(&mut self, states: u64) -> Result<(), RegexError> {
        self.states = self.states.saturating_add(states);
        if self.states > STATE_LIMIT {
            Err(RegexError::TooLarge)
        } else {
            Ok(())
        }
    }

    fn bump(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    fn bump_if(&mut self, expected: u8) -> bool {
        let found = self.rest.first() == Some(&expected);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn advance(&mut self) -> Result<(), RegexError> {
        self.token = match self.bump() {
            None => Token::End,
            Some(b'.') => Token::Any,
            Some(b'^') => Token::LineStart,
            Some(b'$') => Token::LineEnd,
            Some(b'(') => Token::Open,
            Some(b')') => Token::Close,
            Some(b'|') => Token::Or,
            Some(b'*') => Token::Repeat { min: 0, max: None },
            Some(b'+') => Token::Repeat { min: 1, max: None },
            Some(b'?') => Token::Repeat { min: 0, max: Some(1) },
            Some(b'{') => self.interval()?,
            Some(b'[') => Token::Set(Bracket::parse(self)?),
            Some(b'\\') => match self.bump() {
                Some(byte) if b".[\\()*+?{|^$".contains(&byte) => Token::Byte(byte),
                _ => return Err(RegexError::Invalid),
            },
            Some(byte) => Token::Byte(byte),
        };
        Ok(())
    }

    /// The rest of `{min}`, `{min,}` or `{min,max}`.
    fn interval(&mut self) -> Result<Token, RegexError> {
        let min = self.number()?.ok_or(RegexError::Invalid)?;
        let max = if self.bump_if(b',') {
            self.number()?
        } else {
            Some(min)
        };
        if !self.bump_if(b'}') || max.is_some_and(|max| max < min) {
            return Err(RegexError::Invalid);
        }
        Ok(Token::Repeat { min, max })
    }

    fn number(&mut self) -> Result<Option<u32>, RegexError> {
        let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        if number.is_empty() {
            return Ok(None);
        }
        let value = number.iter().try_fold(0i32, |value, digit| {
            value.checked_mul(10)?.checked_add(i32::from(digit - b'0'))
        });
        value
            .map(|value| Some(value.unsigned_abs()))
            .ok_or(RegexError::Invalid)
    }
}

/// What the last item of a bracket expression was, which decides what a following `-` means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// The start of the brackets, or a finished range.
    Nothing,
    Byte(u8),
    Class,
}

/// A bracket expression being read.
struct Bracket {
    set: ByteSet,
    last: Last,
}

enum Item {
    Byte(u8),
    Dash,
    Collating(u8),
    Class(ByteSet),
    End,
}

impl Bracket {
    /// Parses from after the `[` to after the `]`.
    fn parse(parser: &mut Parser<'_>) -> Result<ByteSet, RegexError> {
        let negated = parser.bump_if(b'^');
        let mut bracket = Bracket {
            set: ByteSet::default(),
            last: Last::Nothing,
        };
        // At the start, `]` and `-` stand for themselves.
        let mut item = if parser.bump_if(b']') {
            Item::Byte(b']')
        } else {
            next_item(parser)?
        };
        if matches!(item, Item::Dash) {
            item = Item::Byte(b'-');
        }
        loop {
            match item {
                Item::End => break,
                Item::Byte(byte) | Item::Collating(byte) => bracket.push_byte(byte),
                Item::Class(class) => {
                    bracket.set.union(&class);
                    bracket.last = Last::Class;
                }
                Item::Dash => match (next_item(parser)?, bracket.last) {
                    (Item::End, _) => {
                        bracket.push_byte(b'-');
                        break;
                    }
                    (Item::Byte(end), Last::Byte(start)) => bracket.push_range(start, end)?,
                    (Item::Dash, Last::Byte(start)) => bracket.push_range(start, b'-')?,
                    _ => return Err(RegexError::Invalid),
                },
            }
            item = next_item(parser)?;
        }
        Ok(if negated {
            bracket.set.complement()
        } else {
            bracket.set
        })
    }

    fn push_byte(&mut self, byte: u8) {
        self.set.insert(byte);
        self.last = Last::Byte(byte);
    }

    /// Adds a range; bytes are ordered as signed numbers, as `char` is in C++.
    fn push_range(&mut self, start: u8, end: u8) -> Result<(), RegexError> {
        let range = start.cast_signed()..=end.cast_signed();
        if range.is_empty() {
            return Err(RegexError::Invalid);
        }
        self.set.insert_where(|byte| range.contains(&byte.cast_signed()));
        self.last = Last::Nothing;
        Ok(())
    }
}

fn next_item(parser: &mut Parser<'_>) -> Result<Item, RegexError> {
    let byte = parser.bump().ok_or(RegexError::Invalid)?;
    Ok(match byte {
        b'-' => Item::Dash,
        b']' => Item::End,
        b'[' => match parser.rest.first().copied().ok_or(RegexError::Invalid)? {
            b'.' => Item::Collating(collating_element(bracketed_name(parser)?)?),
            b'=' => {
                let element = collating_element(bracketed_name(parser)?)?.to_ascii_lowercase();
                Item::Class(set_where(|byte| byte.to_ascii_lowercase() == element))
            }
            b':' => Item::Class(class_named(bracketed_name(parser)?)?),
            _ => Item::Byte(b'['),
        },
        byte => Item::Byte(byte),
    })
}

/// Reads `:name:]`, `=name=]` or `.name.]`.
fn bracketed_name<'a>(parser: &mut Parser<'a>) -> Result<&'a [u8], RegexError> {
    let (&delimiter, rest) = parser.rest.split_first().ok_or(RegexError::Invalid)?;
    let length = memchr::memchr(delimiter, rest).ok_or(RegexError::Invalid)?;
    let (name, rest) = rest.split_at(length);
    parser.rest = rest[1..].strip_prefix(b"]").ok_or(RegexError::Invalid)?;
    Ok(name)
}

fn set_where(accepts: impl Fn(u8) -> bool) -> ByteSet {
    let mut set = ByteSet::default();
    set.insert_where(accepts);
    set
}

fn class_named(name: &[u8]) -> Result<ByteSet, RegexError> {
    let is_space = |byte: u8| matches!(byte, b' ' | b'\t'..=b'\r');
    Ok(match name.to_ascii_lowercase().as_slice() {
        b"d" | b"digit" => set_where(|byte| byte.is_ascii_digit()),
        b"w" => set_where(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
        b"s" | b"space" => set_where(is_space),
        b"alnum" => set_where(|byte| byte.is_ascii_alphanumeric()),
        b"alpha" => set_where(|byte| byte.is_ascii_alphabetic()),
        b"blank" => set_where(|byte| matches!(byte, b' ' | b'\t')),
        b"cntrl" => set_where(|byte| byte.is_ascii_control()),
        b"graph" => set_where(|byte| byte.is_ascii_graphic()),
        b"lower" => set_where(|byte| byte.is_ascii_lowercase()),
        b"print" => set_where(|byte| byte.is_ascii_graphic() || byte == b' '),
        b"punct" => set_where(|byte| byte.is_ascii_punctuation()),
        b"upper" => set_where(|byte| byte.is_ascii_uppercase()),
        b"xdigit" => set_where(|byte| byte.is_ascii_hexdigit()),
        _ => return Err(RegexError::Invalid),
    })
}

/// The POSIX names of the ASCII characters that aren't letters, in code order.
const COLLATING_NAMES: [(u8, &[&str]); 5] = [
    (
        0x00,
        &[
            "NUL",
            "SOH",
            "STX",
            "ETX",
            "EOT",
            "ENQ",
            "ACK",
            "alert",
            "backspace",
            "tab",
            "newline",
            "vertical-tab",
            "form-feed",
            "carriage-return",
            "SO",
            "SI",
            "DLE",
            "DC1",
            "DC2",
            "DC3",
            "DC4",
            "NAK",
            "SYN",
            "ETB",
            "CAN",
            "EM",
            "SUB",
            "ESC",
            "IS4",
            "IS3",
            "IS2",
            "IS1",
        ],
    ),
    (
        b' ',
        &[
            "space",
            "exclamation-mark",
            "quotation-mark",
            "number-sign",
            "dollar-sign",
            "percent-sign",
            "ampersand",
            "apostrophe",
            "left-parenthesis",
            "right-parenthesis",
            "asterisk",
            "plus-sign",
            "comma",
            "hyphen",
            "period",
            "slash",
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "colon",
            "semicolon",
            "less-than-sign",
            "equals-sign",
            "greater-than-sign",
            "question-mark",
            "commercial-at",
        ],
    ),
    (
        b'[',
        &[
            "left-square-bracket",
            "backslash",
            "right-square-bracket",
            "circumflex",
            "underscore",
            "grave-accent",
        ],
    ),
    (
        b'{',
        &[
            "left-curly-bracket",
            "vertical-line",
            "right-curly-bracket",
            "tilde",
        ],
    ),
    (0x7f, &["DEL"]),
];

fn collating_element(name: &[u8]) -> Result<u8, RegexError> {
    if let &[letter] = name
        && letter.is_ascii_alphabetic()
    {
        return Ok(letter);
    }
    COLLATING_NAMES
        .iter()
        .find_map(|(first, names)| {
            let index = names.iter().position(|known| known.as_bytes() == name)?;
            Some(first + index as u8)
        })
        .ok_or(RegexError::Invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(pattern: &str) -> Result<(), RegexError> {
        parse(pattern.as_bytes()).map(drop)
    }

    #[test]
    fn invalid_patterns() {
        for pattern in [
            "\\]",
            "\\-",
            "\\n",
            "a\\",
            "\\1",
            "[a--]",
            "[a-b-c]",
            "[z-a]",
            "[[:word:]]",
            "[[=ab=]]",
            "[[.-.]]",
            "[[:alpha:]-z]",
            "[a-[:alpha:]]",
            "[a",
            "[[",
            "[]",
            "[^]",
            "a{,2}",
            "a{2,1}",
            "a{1,2",
            "a{x}",
            "a{",
            "a{2147483648}",
            "*a",
            "^*",
            "(*a)",
            "a|*b",
            ")",
            "(",
            "a)",
            "{",
            "[a-\u{e9}]",
        ] {
            assert_eq!(verdict(pattern), Err(RegexError::Invalid), "{pattern}");
        }
    }

    #[test]
    fn valid_patterns() {
        for pattern in [
            "[\\.]",
            "[\\]",
            "[]a]",
            "[a-]",
            "[-a]",
            "[--a]",
            "[+--]",
            "[[:SPACE:]]",
            "[[.hyphen.]]",
            "[[.a.]-c]",
            "[[a]",
            "a{2}",
            "a{2,}",
            "a**",
            "()",
            "a|",
            "||",
            "]",
            "}",
            "a^b$c",
            "",
        ] {
            assert_eq!(verdict(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn too_many_states() {
        assert_eq!(verdict("a{2147483647}"), Err(RegexError::TooLarge));
        assert_eq!(verdict("(a{1,300}){1,300}"), Err(RegexError::TooLarge));
        assert_eq!(verdict("a{49999}"), Ok(()));
    }
}
