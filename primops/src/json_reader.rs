//! Reading JSON, event by event.
//!
//! What is accepted, and how an error is worded, is as in the reference's JSON library: users and tests see its
//! messages. Nothing here recurses, so nesting is limited by memory only.

use crate::document::Events;
use std::borrow::Cow;

/// Why reading ended early.
#[derive(Debug, PartialEq)]
pub(crate) enum JsonError<E> {
    /// The text isn't JSON.
    Syntax(String),
    /// The visitor gave up.
    Visitor(E),
}

impl<E> From<E> for JsonError<E> {
    fn from(error: E) -> JsonError<E> {
        JsonError::Visitor(error)
    }
}

/// Reads one document and tells `visitor` what is in it.
pub(crate) fn read_json<V: Events>(text: &[u8], visitor: &mut V) -> Result<(), JsonError<V::Error>> {
    let mut reader = Reader {
        text,
        at: 0,
        token_start: 0,
        problem: "",
        last: Token::EndOfInput,
    };
    let outcome = reader.document(visitor);
    outcome.map_err(|stop| match stop {
        Stop::Visitor(error) => JsonError::Visitor(error),
        Stop::Unexpected(expected, context) => JsonError::Syntax(reader.syntax_error(expected, context)),
        Stop::Overflow => {
            let number = reader.token_text();
            JsonError::Syntax(format!(
                "[json.exception.out_of_range.406] number overflow parsing '{number}'"
            ))
        }
    })
}

/// Why the parser stopped: a token that doesn't fit (what was expected, and within what), ...
enum Stop<E> {
    Unexpected(Option<&'static str>, &'static str),
    Overflow,
    Visitor(E),
}

impl<E> From<E> for Stop<E> {
    fn from(error: E) -> Stop<E> {
        Stop::Visitor(error)
    }
}

#[derive(Debug, PartialEq)]
enum Token<'a> {
    BeginObject,
    EndObject,
    BeginArray,
    EndArray,
    Colon,
    Comma,
    True,
    False,
    Null,
    String(Cow<'a, [u8]>),
    Int(i64),
    BigInt(u64),
    Float(f64),
    EndOfInput,
    /// No token; [`Reader::problem`] says why.
    Bad,
}

impl Token<'_> {
    fn name(&self) -> &'static str {
        match self {
            Token::BeginObject => "'{'",
            Token::EndObject => "'}'",
            Token::BeginArray => "'['",
            Token::EndArray => "']'",
            Token::Colon => "':'",
            Token::Comma => "','",
            Token::True => "true literal",
            Token::False => "false literal",
            Token::Null => "null literal",
            Token::String(_) => "string literal",
            Token::Int(_) | Token::BigInt(_) | Token::Float(_) => "number literal",
            Token::EndOfInput => "end of input",
            Token::Bad => "<parse error>",
        }
    }
}

const ANY_VALUE: &str = "'[', '{', or a literal";

struct Reader<'a> {
    text: &'a [u8],
    /// How many bytes were read; reading the end of the text counts as one more.
    at: usize,
    /// Where the text begins that messages quote: the last number or string.
    token_start: usize,
    problem: &'static str,
    last: Token<'a>,
}

impl<'a> Reader<'a> {
    fn document<V: Events>(&mut self, visitor: &mut V) -> Result<(), Stop<V::Error>> {
        /// What encloses the present value.
        enum Within {
            List,
            Object,
        }
        let mut within = Vec::new();
        self.advance();
        loop {
            match &self.last {
                Token::BeginObject => {
                    visitor.begin_object()?;
                    if *self.advance() != Token::EndObject {
                        self.key(visitor)?;
                        within.push(Within::Object);
                        continue;
                    }
                    visitor.end_object()?;
                }
                Token::BeginArray => {
                    visitor.begin_list()?;
                    if *self.advance() != Token::EndArray {
                        within.push(Within::List);
                        continue;
                    }
                    visitor.end_list()?;
                }
                Token::String(value) => visitor.string(value)?,
                Token::Int(value) => visitor.int(*value)?,
                Token::BigInt(value) => visitor.big_int(*value)?,
                Token::Float(value) if value.is_infinite() => return Err(Stop::Overflow),
                Token::Float(value) => visitor.float(*value)?,
                Token::True => visitor.bool(true)?,
                Token::False => visitor.bool(false)?,
                Token::Null => visitor.null()?,
                Token::Bad => return Err(Stop::Unexpected(None, "value")),
                _ => return Err(Stop::Unexpected(Some(ANY_VALUE), "value")),
            }
            // A value is complete, and perhaps with it what encloses it.
            loop {
                self.advance();
                match (within.last(), &self.last) {
                    (None, Token::EndOfInput) => return Ok(()),
                    (None, _) => return Err(Stop::Unexpected(Some("end of input"), "value")),
                    (Some(Within::List), Token::Comma) => {
                        self.advance();
                        break;
                    }
                    (Some(Within::Object), Token::Comma) => {
                        self.advance();
                        self.key(visitor)?;
                        break;
                    }
                    (Some(Within::List), Token::EndArray) => visitor.end_list()?,
                    (Some(Within::Object), Token::EndObject) => visitor.end_object()?,
                    (Some(Within::List), _) => return Err(Stop::Unexpected(Some("']'"), "array")),
                    (Some(Within::Object), _) => return Err(Stop::Unexpected(Some("'}'"), "object")),
                }
                within.pop();
            }
        }
    }

    /// Reads a key, which is the present token, the colon, and the first token of the value.
    fn key<V: Events>(&mut self, visitor: &mut V) -> Result<(), Stop<V::Error>> {
        let Token::String(key) = &self.last else {
            return Err(Stop::Unexpected(Some("string literal"), "object key"));
        };
        visitor.key(key)?;
        if *self.advance() != Token::Colon {
            return Err(Stop::Unexpected(Some("':'"), "object separator"));
        }
        self.advance();
        Ok(())
    }

    fn syntax_error(&self, expected: Option<&str>, context: &str) -> String {
        let read = &self.text[..self.at.min(self.text.len())];
        let lines = memchr::memchr_iter(b'\n', read).count();
        let line_start = memchr::memrchr(b'\n', read).map_or(0, |newline| newline + 1);
        let mut message = format!(
            "[json.exception.parse_error.101] parse error at line {}, column {}: ",
            lines + 1,
            self.at - line_start
        );
        if self.last == Token::EndOfInput && self.at == 1 && expected == Some(ANY_VALUE) {
            message += "attempting to parse an empty input; check that your input string or stream contains the \
                        expected JSON";
            return message;
        }
        message += "syntax error while parsing ";
        message += context;
        message += " - ";
        if self.last == Token::Bad {
            message += self.problem;
            message += "; last read: '";
            message += &self.token_text();
            message += "'";
        } else {
            message += "unexpected ";
            message += self.last.name();
        }
        if let Some(expected) = expected {
            message += "; expected ";
            message += expected;
        }
        message
    }

    /// What was read of the present token, control characters made visible.
    fn token_text(&self) -> String {
        let token = &self.text[self.token_start..self.at.min(self.text.len())];
        let visible: Vec<u8> = token
            .iter()
            .flat_map(|&byte| match byte {
                0..0x20 => format!("<U+{byte:04X}>").into_bytes(),
                byte => vec![byte],
            })
            .collect();
        String::from_utf8_lossy(&visible).into_owned()
    }

    fn get(&mut self) -> Option<u8> {
        let byte = self.text.get(self.at).copied();
        self.at += 1;
        byte
    }

    fn bad(&mut self, problem: &'static str) -> Token<'a> {
        self.problem = problem;
        Token::Bad
    }

    /// Reads the next token.
    fn advance(&mut self) -> &Token<'a> {
        self.last = self.scan();
        &self.last
    }

    fn scan(&mut self) -> Token<'a> {
        if self.at == 0 && self.text.first() == Some(&0xef) {
            self.at = 1;
            if self.get() != Some(0xbb) || self.get() != Some(0xbf) {
                return self.bad("invalid BOM; must be 0xEF 0xBB 0xBF if given");
            }
        }
        let byte = loop {
            match self.get() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => {}
                Some(byte) => break byte,
                None => return Token::EndOfInput,
            }
        };
        match byte {
            b'{' => Token::BeginObject,
            b'}' => Token::EndObject,
            b'[' => Token::BeginArray,
            b']' => Token::EndArray,
            b':' => Token::Colon,
            b',' => Token::Comma,
            b't' => self.literal(b"rue", Token::True),
            b'f' => self.literal(b"alse", Token::False),
            b'n' => self.literal(b"ull", Token::Null),
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(byte),
            _ => self.bad("invalid literal"),
        }
    }

    fn literal(&mut self, rest: &[u8], token: Token<'a>) -> Token<'a> {
        for &expected in rest {
            if self.get() != Some(expected) {
                return self.bad("invalid literal");
            }
        }
        token
    }

    fn skip_digits(&mut self) {
        let digits = self.text[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        self.at += digits.count();
    }

    /// Reads a number whose first byte was `first`.
    fn number(&mut self, first: u8) -> Token<'a> {
        self.token_start = self.at - 1;
        let mut leading = Some(first);
        if first == b'-' {
            leading = self.get();
        }
        match leading {
            Some(b'0') => {}
            Some(b'1'..=b'9') => self.skip_digits(),
            _ => return self.bad("invalid number; expected digit after '-'"),
        }
        let mut integral = true;
        if self.text.get(self.at) == Some(&b'.') {
            integral = false;
            self.at += 1;
            if !self.get().is_some_and(|byte| byte.is_ascii_digit()) {
                return self.bad("invalid number; expected digit after '.'");
            }
            self.skip_digits();
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            integral = false;
            self.at += 1;
            match self.get() {
                Some(b'0'..=b'9') => {}
                Some(b'+' | b'-') => {
                    if !self.get().is_some_and(|byte| byte.is_ascii_digit()) {
                        return self.bad("invalid number; expected digit after exponent sign");
                    }
                }
                _ => return self.bad("invalid number; expected '+', '-', or digit after exponent"),
            }
            self.skip_digits();
        }
        let digits = String::from_utf8_lossy(&self.text[self.token_start..self.at]);
        if integral {
            if let Ok(value) = digits.parse() {
                return Token::Int(value);
            }
            if let Ok(value) = digits.parse() {
                return Token::BigInt(value);
            }
        }
        // The grammar above is a part of what Rust reads.
        Token::Float(digits.parse().unwrap_or(f64::NAN))
    }

    /// Reads a string whose opening quote was read.
    fn string(&mut self) -> Token<'a> {
        self.token_start = self.at - 1;
        let mut unescaped: Option<Vec<u8>> = None;
        let mut start = self.at;
        loop {
            let plain = self.text[self.at.min(self.text.len())..]
                .iter()
                .take_while(|&&byte| matches!(byte, 0x20..0x80) && byte != b'"' && byte != b'\\');
            self.at += plain.count();
            match self.get() {
                None => return self.bad("invalid string: missing closing quote"),
                Some(b'"') => {
                    let tail = &self.text[start..self.at - 1];
                    return Token::String(match unescaped {
                        None => Cow::Borrowed(tail),
                        Some(mut bytes) => {
                            bytes.extend_from_slice(tail);
                            Cow::Owned(bytes)
                        }
                    });
                }
                Some(b'\\') => {
                    let bytes = unescaped.get_or_insert_default();
                    bytes.extend_from_slice(&self.text[start..self.at - 1]);
                    match self.escape() {
                        Ok(character) => {
                            bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                        }
                        Err(problem) => return self.bad(problem),
                    }
                    start = self.at;
                }
                Some(byte @ 0x80..) => {
                    if !self.skip_utf8(byte) {
                        return self.bad("invalid string: ill-formed UTF-8 byte");
                    }
                }
                Some(control) => {
                    return self.bad(UNESCAPED[usize::from(control)]);
                }
            }
        }
    }

    /// Reads the rest of a character that starts with `first`.
    fn skip_utf8(&mut self, first: u8) -> bool {
        let (second, more) = match first {
            0xc2..=0xdf => (0x80..=0xbf, 0),
            0xe0 => (0xa0..=0xbf, 1),
            0xed => (0x80..=0x9f, 1),
            0xe1..=0xef => (0x80..=0xbf, 1),
            0xf0 => (0x90..=0xbf, 2),
            0xf1..=0xf3 => (0x80..=0xbf, 2),
            0xf4 => (0x80..=0x8f, 2),
            _ => return false,
        };
        self.get().is_some_and(|byte| second.contains(&byte))
            && (0..more).all(|_| self.get().is_some_and(|byte| matches!(byte, 0x80..=0xbf)))
    }

    /// Reads what follows a backslash.
    fn escape(&mut self) -> Result<char, &'static str> {
        const NO_LOW: &str = "invalid string: surrogate U+D800..U+DBFF must be followed by U+DC00..U+DFFF";
        Ok(match self.get() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let mut code = self.code_unit()?;
                if let 0xd800..=0xdbff = code {
                    if self.get() != Some(b'\\') || self.get() != Some(b'u') {
                        return Err(NO_LOW);
                    }
                    let low = self.code_unit()?;
                    if !matches!(low, 0xdc00..=0xdfff) {
                        return Err(NO_LOW);
                    }
                    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                }
                char::from_u32(code)
                    .ok_or("invalid string: surrogate U+DC00..U+DFFF must follow U+D800..U+DBFF")?
            }
            _ => return Err("invalid string: forbidden character after backslash"),
        })
    }

    fn code_unit(&mut self) -> Result<u32, &'static str> {
        (0..4).try_fold(0, |code, _| {
            let digit = self.get().and_then(|byte| char::from(byte).to_digit(16));
            let digit = digit.ok_or("invalid string: '\\u' must be followed by 4 hex digits")?;
            Ok(code << 4 | digit)
        })
    }
}

macro_rules! unescaped {
    ($($code:literal $name:literal $escapes:literal),* $(,)?) => {
        [$(concat!(
            "invalid string: control character U+", $code, " (", $name, ") must be escaped to \\u", $code, $escapes
        )),*]
    };
}

/// What is wrong with each control character in a string.
const UNESCAPED: [&str; 32] = unescaped![
    "0000" "NUL" "", "0001" "SOH" "", "0002" "STX" "", "0003" "ETX" "", "0004" "EOT" "", "0005" "ENQ" "",
    "0006" "ACK" "", "0007" "BEL" "", "0008" "BS" " or \\b", "0009" "HT" " or \\t", "000A" "LF" " or \\n",
    "000B" "VT" "", "000C" "FF" " or \\f", "000D" "CR" " or \\r", "000E" "SO" "", "000F" "SI" "",
    "0010" "DLE" "", "0011" "DC1" "", "0012" "DC2" "", "0013" "DC3" "", "0014" "DC4" "", "0015" "NAK" "",
    "0016" "SYN" "", "0017" "ETB" "", "0018" "CAN" "", "0019" "EM" "", "001A" "SUB" "", "001B" "ESC" "",
    "001C" "FS" "", "001D" "GS" "", "001E" "RS" "", "001F" "US" "",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// Writes the events down.
    #[derive(Default)]
    struct Log(String);

    impl Log {
        fn add(&mut self, text: &str) -> Result<(), Infallible> {
            self.0 += text;
            self.0 += " ";
            Ok(())
        }
    }

    impl Events for Log {
        type Error = Infallible;
        fn null(&mut self) -> Result<(), Infallible> {
            self.add("null")
        }
        fn bool(&mut self, value: bool) -> Result<(), Infallible> {
            self.add(&value.to_string())
        }
        fn int(&mut self, value: i64) -> Result<(), Infallible> {
            self.add(&value.to_string())
        }
        fn big_int(&mut self, value: u64) -> Result<(), Infallible> {
            self.add(&format!("big:{value}"))
        }
        fn float(&mut self, value: f64) -> Result<(), Infallible> {
            self.add(&format!("{value:?}"))
        }
        fn string(&mut self, value: &[u8]) -> Result<(), Infallible> {
            self.add(&format!("{:?}", String::from_utf8_lossy(value)))
        }
        fn begin_list(&mut self) -> Result<(), Infallible> {
            self.add("[")
        }
        fn end_list(&mut self) -> Result<(), Infallible> {
            self.add("]")
        }
        fn begin_object(&mut self) -> Result<(), Infallible> {
            self.add("{")
        }
        fn key(&mut self, key: &[u8]) -> Result<(), Infallible> {
            self.add(&format!("{}:", String::from_utf8_lossy(key)))
        }
        fn end_object(&mut self) -> Result<(), Infallible> {
            self.add("}")
        }
    }

    fn read(text: &[u8]) -> Result<String, String> {
        let mut log = Log::default();
        match read_json(text, &mut log) {
            Ok(()) => Ok(log.0),
            Err(JsonError::Syntax(message)) => Err(message),
        }
    }

    #[test]
    fn documents() {
        assert_eq!(
            read(br#" {"a": [1, -2, 1.5, 1e2, true, null, "x\n\u00e9\ud834\udd1e"], "b": {}} "#).as_deref(),
            Ok("{ a: [ 1 -2 1.5 100.0 true null \"x\\né𝄞\" ] b: { } } ")
        );
        assert_eq!(
            read(b"[9223372036854775808,18446744073709551616,-9223372036854775809,-0,1e-400]").as_deref(),
            Ok("[ big:9223372036854775808 1.8446744073709552e19 -9.223372036854776e18 0 0.0 ] ")
        );
        assert_eq!(read(b"\xef\xbb\xbf1").as_deref(), Ok("1 "));
        let deep = [vec![b'['; 1_000_000], vec![b']'; 1_000_000]].concat();
        assert!(read(&deep).is_ok());
        // Takes time in proportion, whatever the characters.
        let long = [b"\"", "é".repeat(1_000_000).as_bytes(), b"\""].concat();
        assert!(read(&long).is_ok());
    }
}
