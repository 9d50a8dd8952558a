//! Percent-encoding of URLs.

/// Bytes for `%XX`; what is no such sequence stays as it is.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let mut out = vec![];
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = (byte == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                out.push(code);
                rest = &tail[2..];
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_sequences_are_decoded() {
        assert_eq!(super::decode("a%20b%2%zz%"), b"a b%2%zz%");
    }
}
