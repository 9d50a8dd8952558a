//! nix32, the variation of base32 in which store paths and most hashes are written.
//!
//! The bytes are taken as one little-endian number, and its digits of five bits are written with the
//! most significant first. The alphabet leaves out `e`, `o`, `u` and `t`.

/// The digits in order of their value.
pub const ALPHABET: &[u8; 32] = b"0123456789abcdfghijklmnpqrsvwxyz";

const INVALID: u8 = 0xff;

const REVERSE: [u8; 256] = {
    let mut table = [INVALID; 256];
    let mut digit = 0;
    while digit < 32 {
        table[ALPHABET[digit] as usize] = digit as u8;
        digit += 1;
    }
    table
};

/// The number of digits that `len` bytes need.
pub const fn encoded_len(len: usize) -> usize {
    (len * 8).div_ceil(5)
}

/// Whether `byte` is a digit of nix32.
pub const fn is_digit(byte: u8) -> bool {
    REVERSE[byte as usize] != INVALID
}

/// Write the digits of `bytes` to the end of `out`.
pub fn encode_to(bytes: &[u8], out: &mut String) {
    out.extend(digits(bytes).map(char::from));
}

/// Write the digits of `bytes` into `out`, which has room for just as many.
pub fn encode_into(bytes: &[u8], out: &mut [u8]) {
    for (place, digit) in out.iter_mut().zip(digits(bytes)) {
        *place = digit;
    }
}

fn digits(bytes: &[u8]) -> impl Iterator<Item = u8> {
    (0..encoded_len(bytes.len())).rev().map(|n| {
        let (index, shift) = (n * 5 / 8, n * 5 % 8);
        let low = u16::from(bytes[index]);
        let high = u16::from(bytes.get(index + 1).copied().unwrap_or(0));
        let digit = ((high << 8 | low) >> shift) & 0x1f;
        ALPHABET[usize::from(digit)]
    })
}

/// The digits of `bytes`.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(encoded_len(bytes.len()));
    encode_to(bytes, &mut out);
    out
}

/// The bytes that `digits` stand for, or nothing if a character is no digit.
///
/// Bits beyond the last whole byte give a further byte when they are not all zero, so that a caller
/// that compares lengths finds a number that is too large.
pub fn decode(digits: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![0; digits.len() * 5 / 8 + 1];
    let whole = digits.len() * 5 / 8;
    for (n, byte) in digits.iter().rev().enumerate() {
        let digit = REVERSE[usize::from(*byte)];
        if digit == INVALID {
            return None;
        }
        let (index, shift) = (n * 5 / 8, n * 5 % 8);
        let bits = u16::from(digit) << shift;
        out[index] |= bits as u8;
        if bits >> 8 != 0 {
            out[index + 1] |= (bits >> 8) as u8;
        }
    }
    if out[whole] == 0 {
        out.truncate(whole);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_round_trips() {
        let mut state = 1u64;
        for len in 0..70 {
            let bytes: Vec<u8> = (0..len)
                .map(|_| {
                    state = state
                        .wrapping_mul(6364136223846793005)
                        .wrapping_add(1442695040888963407);
                    (state >> 56) as u8
                })
                .collect();
            let text = encode(&bytes);
            assert_eq!(text.len(), encoded_len(len));
            assert_eq!(decode(text.as_bytes()).unwrap(), bytes);
        }
    }

    #[test]
    fn a_number_too_large_shows_in_the_length() {
        assert_eq!(decode(&[b'z'; 52]).unwrap().len(), 33);
        assert_eq!(decode(b"abce"), None);
    }
}
