//! Flake references: their text, and the attributes they stand for.

use super::scheme;
use super::url::{Url, decode_query, percent_decode};
use nivis_eval::to_json::write_json_string;
use std::collections::BTreeMap;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    Text(String),
    Number(u64),
    Bool(bool),
}

/// The attributes of a reference, by name.
pub(super) type Attributes = BTreeMap<String, Attribute>;

/// Why a text is no flake reference.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is not such a URL; it may be a path.
    NotThisUrl(String),
    /// It is one, but a wrong one.
    Wrong(String),
}

impl Refused {
    pub(super) fn message(self) -> String {
        match self {
            Refused::NotThisUrl(message) | Refused::Wrong(message) => message,
        }
    }
}

/// The attributes of a reference that is given as text.
pub(super) fn parse(text: &str) -> Result<Attributes, Refused> {
    let (attributes, fragment) = match flake_id(text) {
        Some((url, fragment)) => (scheme::from_url(&url)?, fragment),
        None => match Url::parse(text).map_err(Refused::NotThisUrl).and_then(from_url) {
            Err(Refused::NotThisUrl(_)) => from_path(text)?,
            other => other?,
        },
    };
    match fragment.as_str() {
        "" => Ok(attributes),
        _ => Err(Refused::Wrong(format!(
            "unexpected fragment '{fragment}' in flake reference '{text}'"
        ))),
    }
}

/// The text of a reference that is given as attributes.
pub(super) fn show(mut attributes: Attributes) -> Result<String, Refused> {
    let dir = match attributes.remove("dir") {
        None => String::new(),
        Some(Attribute::Text(dir)) => dir,
        Some(_) => return Err(not_a_string("dir", &attributes)),
    };
    let mut url = scheme::to_url(&attributes)?;
    if !dir.is_empty() {
        url.query.entry("dir".to_owned()).or_insert(dir);
    }
    Ok(url.to_string())
}

/// `nixpkgs`, `nixpkgs/ref` or `nixpkgs/ref/rev`, maybe with a fragment.
fn flake_id(text: &str) -> Option<(Url, String)> {
    let (id, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (name, rest) = match id.split_once('/') {
        Some((name, rest)) => (name, Some(rest)),
        None => (id, None),
    };
    if !scheme::is_flake_id(name) || rest.is_some_and(|rest| !is_ref(rest)) {
        return None;
    }
    let url = Url {
        scheme: "flake".to_owned(),
        path: id.split('/').map(str::to_owned).collect(),
        ..Url::default()
    };
    Some((url, percent_decode(fragment)?))
}

fn is_ref(text: &str) -> bool {
    let is_other = |byte: u8| byte.is_ascii_alphanumeric() || b"_./@+-".contains(&byte);
    text.as_bytes().split_first().is_some_and(|(first, rest)| {
        (first.is_ascii_alphanumeric() || *first == b'@') && rest.iter().copied().all(is_other)
    })
}

fn from_url(mut url: Url) -> Result<(Attributes, String), Refused> {
    let dir = url.query.remove("dir").unwrap_or_default();
    let fragment = std::mem::take(&mut url.fragment);
    let mut attributes = scheme::from_url(&url)?;
    if !dir.is_empty() {
        attributes.entry("dir".to_owned()).or_insert(Attribute::Text(dir));
    }
    Ok((attributes, fragment))
}

fn from_path(text: &str) -> Result<(Attributes, String), Refused> {
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !path.starts_with('/') {
        let message = format!("flake reference '{text}' is not an absolute path");
        return Err(Refused::Wrong(message));
    }
    let invalid = || Refused::Wrong(format!("invalid flakeref '{text}'"));
    from_url(Url {
        scheme: "path".to_owned(),
        authority: Some(String::new()),
        path: path.split('/').map(str::to_owned).collect(),
        query: decode_query(query).ok_or_else(invalid)?,
        fragment: percent_decode(fragment).ok_or_else(invalid)?,
    })
}

/// A text attribute that has to be there.
pub(super) fn text<'a>(attributes: &'a Attributes, name: &str) -> Result<&'a str, Refused> {
    let missing = || Refused::Wrong(format!("input attribute '{name}' is missing"));
    opt_text(attributes, name)?.ok_or_else(missing)
}

/// A text attribute that may be there.
pub(super) fn opt_text<'a>(attributes: &'a Attributes, name: &str) -> Result<Option<&'a str>, Refused> {
    match attributes.get(name) {
        None => Ok(None),
        Some(Attribute::Text(text)) => Ok(Some(text)),
        Some(_) => Err(not_a_string(name, attributes)),
    }
}

fn not_a_string(name: &str, attributes: &Attributes) -> Refused {
    Refused::Wrong(format!(
        "input attribute '{name}' is not a string {}",
        to_json(attributes)
    ))
}

/// The attributes as JSON, for messages.
pub(super) fn to_json(attributes: &Attributes) -> String {
    let mut out = b"{".to_vec();
    let write_text = |out: &mut Vec<u8>, text: &str| {
        // It is UTF-8, which is all that could be wrong with it.
        let _ = write_json_string(out, text.as_bytes());
    };
    for (i, (name, value)) in attributes.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_text(&mut out, name);
        out.push(b':');
        match value {
            Attribute::Text(text) => write_text(&mut out, text),
            Attribute::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Attribute::Bool(b) => out.extend_from_slice(b.to_string().as_bytes()),
        }
    }
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}
