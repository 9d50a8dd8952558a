//! The values that don't nest: strings, numbers, dates and times.

use super::parse::{Nested, Parser};
use super::tree::Value;
use super::{Parsed, Problem, Region};
use std::borrow::Cow;

const INTEGER_HINT: &str = "Hint: valid  : -42, 1_000, 1_2_3_4_5, 0xC0FFEE, 0b0010, 0o755\n\
                            Hint: invalid: _42, 1__000, 0123\n";
const FLOAT_HINT: &str = "Hint: valid  : +1.0, -2e-2, 3.141_592_653_589, inf, nan\n\
                          Hint: invalid: .0, 1., _1.0, 1.0_, 1_.0, 1.0__0\n";
const TIME_HINT: &str = "Hint: valid  : 1979-05-27T07:32:00, 1979-05-27 07:32:00.999999\n\
                         Hint: invalid: 1979-05-27T7:32:00, 1979-05-27 17:32\n";

/// Reads any value but arrays and tables.
pub(super) fn value<'t>(parser: &mut Parser<'t>) -> Parsed<Nested<'t>> {
    let value = match parser.peek() {
        Some(b'"') if parser.rest().starts_with(b"\"\"\"") => Value::String(multiline_basic(parser)?),
        Some(b'"') => Value::String(basic_string(parser)?),
        Some(b'\'') if parser.rest().starts_with(b"'''") => Value::String(multiline_literal(parser)?),
        Some(b'\'') => Value::String(literal_string(parser)?),
        Some(b't' | b'f') => boolean(parser)?,
        Some(first @ (b'T' | b'F' | b'I' | b'i' | b'N' | b'n')) => {
            if parser.skip(b"inf") {
                Value::Float(f64::INFINITY)
            } else if parser.skip(b"nan") {
                Value::Float(f64::NAN)
            } else {
                return wrong_case(parser, first);
            }
        }
        _ => number_or_time(parser)?,
    };
    Ok(Nested::Value(value))
}

fn boolean<'t>(parser: &mut Parser<'t>) -> Parsed<Value<'t>> {
    if parser.skip(b"true") {
        Ok(Value::Bool(true))
    } else if parser.skip(b"false") {
        Ok(Value::Bool(false))
    } else {
        let title = "toml::parse_boolean: invalid boolean: boolean must be `true` or `false`, in lowercase. string \
                     must be surrounded by `\"`";
        parser.fail(title, "expected true or false")
    }
}

fn wrong_case<T>(parser: &Parser<'_>, first: u8) -> Parsed<T> {
    let (word, label) = match first {
        b'T' => ("true", "expected true or false"),
        b'F' => ("false", "expected true or false"),
        b'I' | b'i' => ("inf", "expected a float"),
        _ => ("nan", "expected a float"),
    };
    let title =
        format!("toml::parse_value: `{word}` must be in lowercase. A string must be surrounded by quotes.");
    parser.fail(title, label)
}

// ---- strings ----

/// The length of the first character, if it is one that `ascii` accepts or not ASCII.
pub(super) fn plain_length(text: &[u8], ascii: impl Fn(u8) -> bool) -> Option<usize> {
    let &first = text.first()?;
    if first < 0x80 {
        return ascii(first).then_some(1);
    }
    let length = match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    std::str::from_utf8(text.get(..length)?).is_ok().then_some(length)
}

fn is_basic(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x20..0x7f) && byte != b'"' && byte != b'\\'
}

fn is_literal(byte: u8) -> bool {
    matches!(byte, b'\t' | 0x20..0x7f) && byte != b'\''
}

/// Skips the characters of a string that stand for themselves, and returns them.
fn skip_plain<'t>(parser: &mut Parser<'t>, ascii: impl Fn(u8) -> bool) -> &'t [u8] {
    let rest = parser.rest();
    let mut length = 0;
    while let Some(next) = plain_length(&rest[length..], &ascii) {
        length += next;
    }
    parser.at += length;
    &rest[..length]
}

/// Reads `"…"`.
pub(super) fn basic_string<'t>(parser: &mut Parser<'t>) -> Parsed<Cow<'t, [u8]>> {
    let title = "toml::parse_basic_string: invalid string format";
    parser.at += 1;
    let mut string = Cow::Borrowed(skip_plain(parser, is_basic));
    loop {
        if parser.skip(b"\"") {
            return Ok(string);
        }
        if parser.peek() != Some(b'\\') {
            return parser.fail(title, "expected \"");
        }
        let character = escape(parser, title, "expected \"")?;
        let string = string.to_mut();
        string.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        string.extend_from_slice(skip_plain(parser, is_basic));
    }
}

/// Reads `'…'`.
pub(super) fn literal_string<'t>(parser: &mut Parser<'t>) -> Parsed<Cow<'t, [u8]>> {
    parser.at += 1;
    let string = skip_plain(parser, is_literal);
    if !parser.skip(b"'") {
        return parser.fail("toml::parse_literal_string: invalid string format", "expected '");
    }
    Ok(Cow::Borrowed(string))
}

/// Reads the quotes that end a multi-line string, up to two of which can belong to it; or one or two that don't end
/// it. Returns those that belong to the string and whether it ended.
fn closing_quotes<'t>(parser: &mut Parser<'t>, quote: u8) -> (&'t [u8], bool) {
    let rest = parser.rest();
    let count = rest.iter().take(5).take_while(|&&byte| byte == quote).count();
    parser.at += count;
    match count {
        3.. => (&rest[..count - 3], true),
        count => (&rest[..count], false),
    }
}

fn multiline_basic<'t>(parser: &mut Parser<'t>) -> Parsed<Cow<'t, [u8]>> {
    let title = "toml::parse_ml_basic_string: invalid string format";
    parser.at += 3;
    parser.skip_newline();
    let mut string = vec![];
    loop {
        string.extend_from_slice(skip_plain(parser, is_basic));
        match parser.peek() {
            Some(b'"') => {
                let (quotes, ended) = closing_quotes(parser, b'"');
                string.extend_from_slice(quotes);
                if ended {
                    return Ok(Cow::Owned(string));
                }
            }
            Some(b'\\') => {
                if !escaped_newline(parser) {
                    let character = escape(parser, title, "expected \"\"\"")?;
                    string.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
            _ if parser.skip(b"\n") => string.push(b'\n'),
            _ if parser.skip(b"\r\n") => string.extend_from_slice(b"\r\n"),
            _ => return parser.fail(title, "expected \"\"\""),
        }
    }
}

fn multiline_literal<'t>(parser: &mut Parser<'t>) -> Parsed<Cow<'t, [u8]>> {
    parser.at += 3;
    parser.skip_newline();
    let mut string = vec![];
    loop {
        string.extend_from_slice(skip_plain(parser, is_literal));
        match parser.peek() {
            Some(b'\'') => {
                let (quotes, ended) = closing_quotes(parser, b'\'');
                string.extend_from_slice(quotes);
                if ended {
                    return Ok(Cow::Owned(string));
                }
            }
            _ if parser.skip(b"\n") => string.push(b'\n'),
            _ if parser.skip(b"\r\n") => string.extend_from_slice(b"\r\n"),
            _ => {
                return parser.fail(
                    "toml::parse_ml_literal_string: invalid string format",
                    "expected '''",
                );
            }
        }
    }
}

/// Skips a backslash at the end of a line with all blanks and newlines that follow.
fn escaped_newline(parser: &mut Parser<'_>) -> bool {
    let rest = &parser.rest()[1..];
    let blank = rest
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    if !rest[blank..].starts_with(b"\n") && !rest[blank..].starts_with(b"\r\n") {
        return false;
    }
    parser.at += 1 + blank;
    loop {
        let blank = parser
            .rest()
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        parser.at += blank;
        if blank == 0 && !parser.skip_newline() {
            return true;
        }
    }
}

/// Reads an escape sequence; one that doesn't exist makes the string as a whole invalid.
fn escape(parser: &mut Parser<'_>, title: &'static str, label: &'static str) -> Parsed<char> {
    let start = parser.at;
    let digits = match parser.text.get(start + 1) {
        Some(b'u') => 4,
        Some(b'U') => 8,
        Some(byte) => {
            let character = match byte {
                b'"' => '"',
                b'\\' => '\\',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                _ => return parser.fail(title, label),
            };
            parser.at += 2;
            return Ok(character);
        }
        None => return parser.fail(title, label),
    };
    let code = parser.text.get(start + 2..start + 2 + digits).and_then(|digits| {
        let digits = std::str::from_utf8(digits).ok()?;
        digits
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit())
            .then_some(())?;
        u32::from_str_radix(digits, 16).ok()
    });
    let Some(code) = code else {
        return parser.fail(title, label);
    };
    let region = Region {
        start: start + 1,
        end: start + 2 + digits,
    };
    parser.at = region.end;
    char::from_u32(code).ok_or_else(|| match code {
        0..0x110000 => Problem::new(
            "toml::parse_utf8_codepoint: [0xD800, 0xDFFF] is not a valid UTF-8",
            region,
            "here",
        ),
        _ => Problem::new(
            "toml::parse_utf8_codepoint: input codepoint is too large.",
            region,
            "must be in range [0x00, 0x10FFFF]",
        ),
    })
}

// ---- numbers ----

fn number_or_time<'t>(parser: &mut Parser<'t>) -> Parsed<Value<'t>> {
    if let Some(time) = date_or_time(parser)? {
        return Ok(Value::Timestamp(time));
    }
    let rest = parser.rest();
    let sign = usize::from(matches!(rest.first(), Some(b'+' | b'-')));
    if rest[sign..].starts_with(b"inf") || rest[sign..].starts_with(b"nan") {
        let value = if rest[sign] == b'i' {
            f64::INFINITY
        } else {
            f64::NAN
        };
        parser.at += sign + 3;
        return Ok(Value::Float(if rest[0] == b'-' { -value } else { value }));
    }
    if let Some(length) = float_length(rest) {
        return float(parser, length);
    }
    if let Some((radix, length)) = integer_length(parser)? {
        return integer(parser, radix, length);
    }
    match rest.first() {
        Some(b'.') => Err(Problem::new(
            "bad float: integer part is required before decimal point",
            Region::at(parser.at),
            "missing integer part",
        )
        .hint(FLOAT_HINT)),
        Some(b'_') => Err(Problem::new(
            "bad number: `_` must be surrounded by digits",
            Region::at(parser.at),
            "digits required before `_`",
        )
        .hint(INTEGER_HINT)),
        _ => parser.fail("bad format: unknown value appeared", "here"),
    }
}

/// The length of digits with single underscores between them.
fn digits_length(text: &[u8], is_digit: impl Fn(&u8) -> bool) -> usize {
    let mut length = 0;
    while text.get(length).is_some_and(&is_digit) {
        length += 1;
        if text.get(length) == Some(&b'_') && text.get(length + 1).is_some_and(&is_digit) {
            length += 1;
        }
    }
    length
}

/// The length of a decimal integer: no zeros in front.
fn decimal_length(text: &[u8]) -> Option<usize> {
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    match text.get(sign)? {
        b'0' => Some(sign + 1),
        b'1'..=b'9' => Some(sign + digits_length(&text[sign..], u8::is_ascii_digit)),
        _ => None,
    }
}

fn float_length(text: &[u8]) -> Option<usize> {
    let whole = decimal_length(text)?;
    let mut length = whole;
    if text.get(length) == Some(&b'.') {
        let digits = digits_length(&text[length + 1..], u8::is_ascii_digit);
        if digits > 0 {
            length += 1 + digits;
        }
    }
    if matches!(text.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(length + 1), Some(b'+' | b'-')));
        let digits = digits_length(&text[length + 1 + sign..], u8::is_ascii_digit);
        if digits > 0 {
            length += 1 + sign + digits;
        }
    }
    (length > whole).then_some(length)
}

fn float<'t>(parser: &mut Parser<'t>, length: usize) -> Parsed<Value<'t>> {
    let text = parser.rest();
    parser.at += length;
    if parser.peek() == Some(b'_') {
        let title = "bad float: `_` must be surrounded by digits";
        return Err(Problem::new(title, Region::at(parser.at), "invalid underscore").hint(FLOAT_HINT));
    }
    match without_underscores(&text[..length]).parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Value::Float(value)),
        _ => parser.fail(
            "toml::parse_floating: failed to read floating point value from stream",
            "here",
        ),
    }
}

fn without_underscores(text: &[u8]) -> String {
    text.iter()
        .filter(|&&byte| byte != b'_')
        .map(|&byte| char::from(byte))
        .collect()
}

/// The radix and length of an integer.
fn integer_length(parser: &Parser<'_>) -> Parsed<Option<(u32, usize)>> {
    let text = parser.rest();
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let (radix, digits, title, labels) = match text.get(sign..sign + 2) {
        Some(b"0x") => (
            16,
            digits_length(&text[sign + 2..], u8::is_ascii_hexdigit),
            "toml::parse_hex_integer: invalid integer: hex_int must be like: 0xC0FFEE, 0xdead_beef",
            ["expected 0x", "expected hex [0-9a-fA-F]"],
        ),
        Some(b"0o") => (
            8,
            digits_length(&text[sign + 2..], |byte| matches!(byte, b'0'..=b'7')),
            "toml::parse_oct_integer: invalid integer: oct_int must be like: 0o775, 0o04_44",
            ["expected 0o", "expected [0-7]"],
        ),
        Some(b"0b") => (
            2,
            digits_length(&text[sign + 2..], |byte| matches!(byte, b'0' | b'1')),
            "toml::parse_bin_integer: invalid integer: bin_int must be like: 0b0101, 0b1111_0000",
            ["expected 0b", "expected [0-1]"],
        ),
        _ => return Ok(decimal_length(text).map(|length| (10, length))),
    };
    match (sign, digits) {
        (0, 0) => Err(Problem::new(title, Region::at(parser.at + 2), labels[1])),
        (0, digits) => Ok(Some((radix, digits + 2))),
        _ => Err(Problem::new(title, Region::at(parser.at), labels[0])),
    }
}

fn integer<'t>(parser: &mut Parser<'t>, radix: u32, length: usize) -> Parsed<Value<'t>> {
    let text = &parser.rest()[..length];
    parser.at += length;
    if let Some((title, label, hint, back)) = after_integer(text, parser.peek()) {
        return Err(Problem::new(title, Region::at(parser.at - back), label).hint(hint));
    }
    let digits = without_underscores(if radix == 10 { text } else { &text[2..] });
    if let Ok(value) = i64::from_str_radix(&digits, radix) {
        return Ok(Value::Int(value));
    }
    let title = match radix {
        2 => "toml::parse_bin_integer: too large integer: current max digits = 2^63",
        8 => "toml::parse_oct_integer: too large integer: current max digits = 2^63",
        16 => "toml::parse_hex_integer: too large integer: current max value = 2^63",
        _ => "toml::parse_dec_integer: too large integer: current max digits = 2^63",
    };
    parser.fail(title, "must be < 2^63")
}

/// What is wrong if `next` follows an integer: title, label, hint, and how far back to point.
fn after_integer(
    integer: &[u8],
    next: Option<u8>,
) -> Option<(&'static str, &'static str, &'static str, usize)> {
    Some(match next? {
        b'_' if matches!(integer, b"0" | b"-0" | b"+0") => (
            "bad integer: leading zero is not allowed in decimal int",
            "leading zero",
            INTEGER_HINT,
            0,
        ),
        b'_' => (
            "bad integer: `_` must be surrounded by digits",
            "invalid underscore",
            INTEGER_HINT,
            0,
        ),
        b'0' => (
            "bad integer: leading zero",
            "leading zero is not allowed",
            INTEGER_HINT,
            1,
        ),
        b'1'..=b'9' => (
            "bad integer: invalid digit after an integer",
            "this digit is not allowed",
            INTEGER_HINT,
            0,
        ),
        b':' | b'-' => (
            "bad datetime: invalid format",
            "here",
            "Hint: valid  : 1979-05-27T07:32:00-07:00, 1979-05-27 07:32:00.999999Z\n\
             Hint: invalid: 1979-05-27T7:32:00-7:00, 1979-05-27 7:32-00:30",
            0,
        ),
        b'.' | b'e' | b'E' => ("bad float: invalid format", "here", FLOAT_HINT, 0),
        _ => return None,
    })
}

// ---- dates and times ----

/// Whether `text` starts with the pattern, in which `0` stands for any digit.
fn looks_like(text: &[u8], pattern: &[u8]) -> bool {
    mismatch(text, pattern).is_none()
}

/// Where `text` departs from the pattern, and what was expected there.
fn mismatch(text: &[u8], pattern: &[u8]) -> Option<(usize, &'static str)> {
    let at = (0..pattern.len()).find(|&i| match (text.get(i), pattern[i]) {
        (Some(byte), b'0') => !byte.is_ascii_digit(),
        (byte, expected) => byte != Some(&expected),
    })?;
    let label = match pattern[at] {
        b':' => "expected :",
        b'-' => "expected -",
        _ => "expected digit [0-9]",
    };
    Some((at, label))
}

fn field(text: &[u8], start: usize, length: usize) -> u32 {
    text[start..start + length]
        .iter()
        .fold(0, |value, digit| value * 10 + u32::from(digit - b'0'))
}

const DATE: &[u8] = b"0000-00-00";
const TIME: &[u8] = b"00:00:00";

/// Reads a date, a time or both, if there is one.
fn date_or_time(parser: &mut Parser<'_>) -> Parsed<Option<String>> {
    let text = parser.rest();
    if looks_like(text, TIME) {
        return time(parser).map(Some);
    }
    if !looks_like(text, DATE) {
        return Ok(None);
    }
    let start = parser.at;
    let has_time = matches!(text.get(10), Some(b'T' | b't' | b' ')) && looks_like(&text[11..], TIME);
    if !has_time {
        let bad_time = match text.get(10) {
            Some(b'T' | b't') => true,
            Some(b' ') => text.get(11).is_some_and(u8::is_ascii_digit),
            _ => false,
        };
        if bad_time {
            let title = "bad time: must be HH:MM:SS.subsec";
            let (at, label) = mismatch(&text[11..], TIME).unwrap_or_default();
            return Err(Problem::new(title, Region::at(start + 11 + at), label).hint(TIME_HINT));
        }
        if text.get(10).is_some_and(u8::is_ascii_digit) {
            let title = "bad datetime: missing T or space";
            let place = Region::at(start + 10);
            return Err(Problem::new(title, place, "expected T, t, or  ").hint(TIME_HINT));
        }
    }
    let mut shown = date(parser)?;
    if has_time {
        parser.at += 1;
        shown.push('T');
        shown += &time(parser)?;
        shown += &offset(parser, start)?;
    }
    Ok(Some(shown))
}

fn date(parser: &mut Parser<'_>) -> Parsed<String> {
    let text = parser.rest();
    let (year, month, day) = (field(text, 0, 4), field(text, 5, 2), field(text, 8, 2));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=12).contains(&month) || !(1..=last).contains(&day) {
        let label = "month must be 01-12, day must be any of 01-28,29,30,31 depending on the month/year.";
        return parser.fail("toml::parse_local_date: invalid date.", label);
    }
    parser.at += DATE.len();
    Ok(format!("{year:04}-{month:02}-{day:02}"))
}

/// Reads a time; its fraction is rounded to groups of three digits, nine at most.
fn time(parser: &mut Parser<'_>) -> Parsed<String> {
    let text = parser.rest();
    let (hour, minute, second) = (field(text, 0, 2), field(text, 3, 2), field(text, 6, 2));
    let title = "toml::parse_local_time: invalid time.";
    if hour > 23 || minute > 59 {
        return parser.fail(title, "hour must be 00-23, minute must be 00-59.");
    }
    if second > 60 {
        return parser.fail(title, "second must be 00-60.");
    }
    parser.at += TIME.len();
    let mut shown = format!("{hour:02}:{minute:02}:{second:02}");
    let fraction = text[8..].strip_prefix(b".").unwrap_or_default();
    let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > 0 {
        parser.at += 1 + digits;
        let mut nanoseconds = without_underscores(&fraction[..digits.min(9)]);
        nanoseconds.extend(std::iter::repeat_n('0', 9 - nanoseconds.len()));
        while nanoseconds.ends_with("000") {
            nanoseconds.truncate(nanoseconds.len() - 3);
        }
        if !nanoseconds.is_empty() {
            shown.push('.');
            shown += &nanoseconds;
        }
    }
    Ok(shown)
}

fn offset(parser: &mut Parser<'_>, start: usize) -> Parsed<String> {
    let text = parser.rest();
    match text.first() {
        Some(b'Z' | b'z') => {
            parser.at += 1;
            Ok("Z".to_owned())
        }
        Some(sign @ (b'+' | b'-')) => {
            if !looks_like(&text[1..], b"00:00") {
                let title = "bad offset: must be [+-]HH:MM or Z";
                return Err(Problem::new(title, Region::at(parser.at), "expected digit [0-9]")
                    .hint("Hint: valid  : +09:00, -05:30\nHint: invalid: +9:00,  -5:30\n"));
            }
            let (hour, minute) = (field(text, 1, 2), field(text, 4, 2));
            parser.at += 6;
            if hour > 24 || minute > 60 {
                let title = "toml::parse_offset_datetime: too large offset: |hour| <= 24, |minute| <= 60";
                return Err(Problem::new(
                    title,
                    Region {
                        start,
                        end: parser.at,
                    },
                    "here",
                ));
            }
            Ok(match (hour, minute) {
                (0, 0) => "Z".to_owned(),
                _ => format!("{}{hour:02}:{minute:02}", char::from(*sign)),
            })
        }
        _ => Ok(String::new()),
    }
}
