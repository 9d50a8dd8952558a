//! Compact JSON laid out in lines, two blanks a level.

/// Appends compact JSON to `out` in lines; `depth` is the level that it stands at.
pub(crate) fn write(out: &mut Vec<u8>, json: &[u8], mut depth: usize) {
    let newline = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + 2 * depth, b' ');
    };
    let mut bytes = json.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        out.push(byte);
        match byte {
            b'"' => {
                // The string as it is, escapes and all.
                while let Some(byte) = bytes.next() {
                    out.push(byte);
                    match byte {
                        b'\\' => out.extend(bytes.next()),
                        b'"' => break,
                        _ => {}
                    }
                }
            }
            b'{' | b'[' => {
                if let Some(end) = bytes.next_if(|byte| matches!(byte, b'}' | b']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    newline(out, depth);
                }
            }
            b',' => newline(out, depth),
            b':' => out.push(b' '),
            _ => {}
        }
        if matches!(bytes.peek(), Some(b'}' | b']')) {
            depth = depth.saturating_sub(1);
            newline(out, depth);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_are_indented() {
        let pretty = |json: &str| {
            let mut out = vec![];
            super::write(&mut out, json.as_bytes(), 0);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            pretty(r#"{"a":[],"b":{},"c":[1,{"d":"x:{,\"]"}],"e":null}"#),
            "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    {\n      \"d\": \"x:{,\\\"]\"\n    }\n  ],\n  \"e\": null\n}"
        );
    }
}
