//! The text of path literals: absolute and without `.`, `..` and doubled slashes. No file is looked at.

/// `path` relative to the absolute directory `base`, normalised. No slash at the end, except for the root.
pub fn absolute(base: &[u8], path: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(base.len() + path.len() + 1);
    if !path.starts_with(b"/") {
        push_components(&mut result, base);
    }
    push_components(&mut result, path);
    if result.is_empty() {
        result.push(b'/');
    }
    result
}

/// The value of a path literal (without `~`), or of its start when interpolations follow: only there a slash at the end counts.
pub fn literal(base: &[u8], text: &[u8]) -> Vec<u8> {
    let mut value = absolute(base, text);
    if text.len() > 1 && text.ends_with(b"/") {
        value.push(b'/');
    }
    value
}

fn push_components(result: &mut Vec<u8>, path: &[u8]) {
    for component in path.split(|&byte| byte == b'/') {
        match component {
            b"" | b"." => {}
            b".." => result.truncate(memchr::memrchr(b'/', result).unwrap_or(0)),
            name => {
                result.push(b'/');
                result.extend_from_slice(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::absolute;

    #[test]
    fn paths_are_normalised() {
        let check =
            |base: &str, path: &str| String::from_utf8(absolute(base.as_bytes(), path.as_bytes())).unwrap();
        assert_eq!(check("/a/b", "./c"), "/a/b/c");
        assert_eq!(check("/a/b", "../c/./d/"), "/a/c/d");
        assert_eq!(check("/a", "../../.."), "/");
        assert_eq!(check("/a", "/"), "/");
        assert_eq!(check("/a/", "x//y"), "/a/x/y");
    }
}
