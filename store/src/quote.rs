//! Strings between quotes, as ATerm and JSON write them.

/// Writes a string with its quotes. `escapes` has for each byte zero if it stands for itself, and otherwise what `escape`
/// is told together with the byte. Bytes that do not stand for themselves are `"`, `\` and some of those below `BELOW`.
#[inline(always)]
pub fn write_quoted<const BELOW: u64>(
    text: &[u8],
    out: &mut Vec<u8>,
    escapes: &[u8; 256],
    escape: impl Fn(&mut Vec<u8>, u8, u8),
) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let (mut done, mut at) = (0, 0);
    let mut look_at = |index: usize, out: &mut Vec<u8>| {
        let byte = text[index];
        let kind = escapes[usize::from(byte)];
        if kind != 0 {
            out.extend_from_slice(&text[done..index]);
            escape(out, byte, kind);
            done = index + 1;
        }
    };
    // Eight bytes at a time: from what is plain so far to the first byte that may need an escape.
    while let Some(word) = text.get(at..).and_then(<[u8]>::first_chunk) {
        match first_special::<BELOW>(u64::from_le_bytes(*word)) {
            None => at += 8,
            Some(index) => {
                at += index;
                look_at(at, out);
                at += 1;
            }
        }
    }
    (at..text.len()).for_each(|index| look_at(index, out));
    out.extend_from_slice(&text[done..]);
    out.push(b'"');
}

/// Which of eight bytes is the first that is below `BELOW`, a quote or a backslash.
#[inline(always)]
fn first_special<const BELOW: u64>(word: u64) -> Option<usize> {
    const ONES: u64 = u64::MAX / 0xff;
    // The high bit of each byte below `n`; borrowing makes mistakes above the first one only.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & (ONES << 7);
    let found = below(word, BELOW) | below(word ^ (ONES * 0x22), 1) | below(word ^ (ONES * 0x5c), 1);
    (found != 0).then(|| (found.trailing_zeros() / 8) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place of strings of up to twenty bytes, next to bytes of all kinds.
    #[test]
    fn bytes_that_need_it_are_escaped_wherever_they_are() {
        let mut escapes = [0; 256];
        for byte in [b'"', b'\\', 3, 0x1f] {
            escapes[usize::from(byte)] = byte;
        }
        for length in 1..20 {
            for place in 0..length {
                for byte in 0..=255 {
                    for around in [b'a', 0xff, 0x80, 0x20, 0x21, 3, b'"'] {
                        let mut text = vec![around; length];
                        text[place] = byte;
                        let mut expected = vec![b'"'];
                        for &byte in &text {
                            if escapes[usize::from(byte)] != 0 {
                                expected.push(b'\\');
                            }
                            expected.push(byte);
                        }
                        expected.push(b'"');
                        let mut out = vec![];
                        write_quoted::<0x20>(&text, &mut out, &escapes, |out, byte, _| {
                            out.extend_from_slice(&[b'\\', byte])
                        });
                        assert_eq!(out, expected, "{text:?}");
                    }
                }
            }
        }
    }
}
