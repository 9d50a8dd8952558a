//! Bytes as text without loss: Nix sources are bytes, but rowan holds `str`.
//!
//! Valid UTF-8 is kept as it is. Each other byte becomes one of 256 private code points. So that nothing is
//! ambiguous, the bytes of these code points themselves, should they occur, are treated as invalid, too.

use std::borrow::Cow;

/// First of the 256 code points (plane 16, private use) that stand for bytes.
const BYTE_BASE: u32 = 0x10_FE00;

/// The first byte of the UTF-8 of these code points, and of no other byte of valid UTF-8 below plane 16.
const MARK: u8 = 0xF4;

/// The bytes as text.
#[inline]
pub(crate) fn encode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if memchr::memchr(MARK, bytes).is_none() => Cow::Borrowed(text),
        _ => Cow::Owned(encode_all(bytes)),
    }
}

#[cold]
fn encode_all(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() + 8);
    let push_bytes = |text: &mut String, bytes: &[u8]| {
        text.extend(
            bytes
                .iter()
                .filter_map(|&byte| char::from_u32(BYTE_BASE + u32::from(byte))),
        );
    };
    let mut buffer = [0; 4];
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if (BYTE_BASE..BYTE_BASE + 256).contains(&u32::from(c)) {
                push_bytes(&mut text, c.encode_utf8(&mut buffer).as_bytes());
            } else {
                text.push(c);
            }
        }
        push_bytes(&mut text, chunk.invalid());
    }
    text
}

/// Inverse of [`encode`]; borrows when there is nothing to undo.
#[inline]
pub(crate) fn decode(text: &str) -> Cow<'_, [u8]> {
    if memchr::memchr(MARK, text.as_bytes()).is_none() {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for c in text.chars() {
        match u32::from(c).checked_sub(BYTE_BASE) {
            Some(byte @ 0..=0xFF) => bytes.push(byte as u8),
            _ => bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive() {
        for bytes in [
            &b"plain"[..],
            b"x\xff\xc3\xa9",
            "\u{10FE41} \u{10FFFF}".as_bytes(),
            b"\xf4\x8f",
        ] {
            assert_eq!(&*decode(&encode(bytes)), bytes);
        }
        assert_ne!(encode("\u{10FE41}".as_bytes()), encode(b"A"));
    }
}
