//! URLs as flake references use them: taken apart and put together.

use std::collections::BTreeMap;
use std::fmt;

/// A URL. Everything but the authority is decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) scheme: String,
    /// What stands after `//`, as it is written.
    pub(super) authority: Option<String>,
    /// What stands between the slashes of the path; an absolute path starts with an empty one.
    pub(super) path: Vec<String>,
    pub(super) query: BTreeMap<String, String>,
    pub(super) fragment: String,
}

impl Url {
    /// Takes a URL apart. Blanks and quotes may stand in query and fragment as they are. The error says why not.
    pub(super) fn parse(text: &str) -> Result<Url, String> {
        let invalid = |reason: &str| format!("'{text}' is not a valid URL: {reason}");
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (scheme, rest) = rest
            .split_once(':')
            .filter(|(scheme, _)| is_scheme(scheme))
            .ok_or_else(|| format!("'{text}' doesn't have a scheme"))?;
        if !rest.bytes().all(|byte| is_path_byte(byte) || byte == b'%') {
            return Err(invalid("leftover"));
        }
        let (authority, mut path) = match rest.strip_prefix("//") {
            None => (None, rest),
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                (Some(rest[..end].to_owned()), &rest[end..])
            }
        };
        let is_file = transport(scheme) == "file";
        if is_file && let Some(authority) = authority.as_deref().filter(|text| !text.is_empty()) {
            return Err(format!(
                "file:// URL '{text}' has unexpected authority '{authority}'"
            ));
        }
        if is_file && path.is_empty() {
            path = "/";
        }
        let decode = |text: &str| percent_decode(text).ok_or_else(|| invalid("bad percent-encoding"));
        Ok(Url {
            scheme: scheme.to_ascii_lowercase(),
            authority,
            path: path.split('/').map(decode).collect::<Result<_, _>>()?,
            query: decode_query(query).ok_or_else(|| invalid("bad query"))?,
            fragment: decode(fragment)?,
        })
    }

    /// The parts of the path that are not empty.
    pub(super) fn segments(&self) -> Vec<&str> {
        let parts = self.path.iter().map(String::as_str);
        parts.filter(|part| !part.is_empty()).collect()
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.scheme)?;
        if let Some(authority) = &self.authority {
            write!(f, "//{authority}")?;
        }
        let path: Vec<String> = self.path.iter().map(|part| percent_encode(part, ":@")).collect();
        f.write_str(&path.join("/"))?;
        for (i, (name, value)) in self.query.iter().enumerate() {
            let separator = if i == 0 { '?' } else { '&' };
            let (name, value) = (percent_encode(name, ":@/?"), percent_encode(value, ":@/?"));
            write!(f, "{separator}{name}={value}")?;
        }
        if !self.fragment.is_empty() {
            write!(f, "#{}", percent_encode(&self.fragment, ""))?;
        }
        Ok(())
    }
}

/// What comes before the `+` of `git+https`, if there is one.
pub(super) fn application(scheme: &str) -> Option<&str> {
    scheme.split_once('+').map(|(application, _)| application)
}

/// What comes after the `+` of `git+https`, or all of it.
pub(super) fn transport(scheme: &str) -> &str {
    scheme.split_once('+').map_or(scheme, |(_, transport)| transport)
}

fn is_scheme(text: &str) -> bool {
    let is_other = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    text.as_bytes()
        .split_first()
        .is_some_and(|(first, rest)| first.is_ascii_alphabetic() && rest.iter().copied().all(is_other))
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn is_path_byte(byte: u8) -> bool {
    is_unreserved(byte) || b"!$&'()*+,;=:@/[]".contains(&byte)
}

/// The pairs of a query. What has no `=` is left out.
pub(super) fn decode_query(query: &str) -> Option<BTreeMap<String, String>> {
    let mut pairs = BTreeMap::new();
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        pairs
            .entry(percent_decode(name)?)
            .or_insert(percent_decode(value)?);
    }
    Some(pairs)
}

/// Undoes percent-encoding; nothing if it is wrong.
pub(super) fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = vec![];
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

fn percent_encode(text: &str, keep: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match is_unreserved(byte) || keep.as_bytes().contains(&byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        for text in [
            "github:a/b?dir=c",
            "https://me@x.org:80/a%20b/?q=1#f",
            "path:/a",
            "file:///",
        ] {
            assert_eq!(Url::parse(text).map(|url| url.to_string()).as_deref(), Ok(text));
        }
        assert!(Url::parse("a b").is_err() && Url::parse("./a").is_err() && Url::parse("x:%2").is_err());
        assert!(Url::parse("file://host/x").is_err());
    }
}
