//! Paths as bytes: absolute, normalised, without a slash at the end.

/// `.`, `..` and doubled slashes resolved in the text; no file is looked at.
pub fn normalise(path: &[u8]) -> Vec<u8> {
    nivis_lang::path::absolute(b"/", path)
}

/// The part after the last slash.
pub fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}

/// The part before the last slash; `/` for entries of the root.
pub fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(0) | None => b"/",
        Some(at) => &path[..at],
    }
}

/// An entry of a directory.
pub fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = directory.to_vec();
    if !path.ends_with(b"/") {
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

/// Whether `path` is `prefix` or below it.
pub fn is_below(path: &[u8], prefix: &[u8]) -> bool {
    prefix == b"/"
        || path
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_and_names() {
        assert_eq!(parent(b"/a/b"), b"/a");
        assert_eq!(parent(b"/a"), b"/");
        assert_eq!(base_name(b"/a/b"), b"b");
        assert_eq!(join(b"/", b"a"), b"/a");
        assert!(is_below(b"/a/b", b"/a") && !is_below(b"/ab", b"/a"));
    }
}
