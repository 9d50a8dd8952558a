//! The kinds of flake references: how each is written as a URL and as attributes.

use super::reference::{Attribute, Attributes, Refused, opt_text, text, to_json};
use super::url::{Url, application, transport};
use nivis_store::hash::{Hash, HashAlgorithm};
use std::collections::BTreeMap;

/// The attributes that each kind may have besides `type`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("file", CURL),
    ("git", GIT),
    ("github", FORGE),
    ("gitlab", FORGE),
    ("hg", &["url", "ref", "rev", "revCount", "narHash", "name"]),
    ("indirect", &["id", "ref", "rev", "narHash"]),
    ("path", &["path", "rev", "revCount", "lastModified", "narHash"]),
    ("sourcehut", FORGE),
    ("tarball", CURL),
];
const CURL: &[&str] = &[
    "url",
    "narHash",
    "name",
    "unpack",
    "rev",
    "revCount",
    "lastModified",
];
const FORGE: &[&str] = &[
    "owner",
    "repo",
    "ref",
    "rev",
    "narHash",
    "lastModified",
    "host",
    "treeHash",
];
const GIT: &[&str] = &[
    "url",
    "ref",
    "rev",
    "shallow",
    "submodules",
    "lfs",
    "exportIgnore",
    "lastModified",
    "revCount",
    "narHash",
    "allRefs",
    "name",
    "dirtyRev",
    "dirtyShortRev",
    "verifyCommit",
    "keytype",
    "publicKey",
    "publicKeys",
];
/// Attributes of Git references that a URL writes as 1 or not at all.
const GIT_FLAGS: &[&str] = &[
    "shallow",
    "submodules",
    "lfs",
    "exportIgnore",
    "allRefs",
    "verifyCommit",
];

/// A URL that is not one of its kind; the text may still be a path.
fn bad_url(message: String) -> Refused {
    Refused::NotThisUrl(message)
}

fn string(text: impl Into<String>) -> Attribute {
    Attribute::Text(text.into())
}

/// The attributes that a URL stands for.
pub(super) fn from_url(url: &Url) -> Result<Attributes, Refused> {
    let scheme = url.scheme.as_str();
    let is_curl = matches!(transport(scheme), "file" | "http" | "https");
    match (scheme, application(scheme)) {
        ("github" | "gitlab" | "sourcehut", _) => from_forge(url),
        ("flake", _) => from_indirect(url),
        ("path", _) => from_path(url),
        ("git", _) | (_, Some("git")) => from_git(url),
        (_, Some("hg")) => from_mercurial(url),
        (_, Some("file")) if is_curl => from_curl(url, "file"),
        (_, None | Some("tarball")) if is_curl => from_curl(url, "tarball"),
        (_, Some("file")) if transport(scheme) == "git" => Err(Refused::Wrong(format!(
            "input '{url}' is unsupported; did you mean 'git+file' instead of 'file+git'?"
        ))),
        _ => Err(Refused::Wrong(format!("input '{url}' is unsupported"))),
    }
}

fn from_forge(url: &Url) -> Result<Attributes, Refused> {
    let segments = url.segments();
    let [owner, repo, rest @ ..] = segments.as_slice() else {
        return Err(bad_url(format!("URL '{url}' is invalid")));
    };
    let mut attributes = Attributes::from([
        ("type".to_owned(), string(&url.scheme)),
        ("owner".to_owned(), string(*owner)),
        ("repo".to_owned(), string(*repo)),
    ]);
    match rest {
        [] => {}
        [rev] if is_rev(rev) => drop(attributes.insert("rev".to_owned(), string(*rev))),
        parts => drop(attributes.insert("ref".to_owned(), string(parts.join("/")))),
    }
    for (name, value) in &url.query {
        let kind = match name.as_str() {
            "rev" => "commit hashes",
            "ref" => "branch/tag names",
            "host" | "narHash" => "",
            _ => continue,
        };
        if attributes.insert(name.clone(), string(value)).is_some() {
            return Err(bad_url(format!("URL '{url}' contains multiple {kind}")));
        }
    }
    check(&attributes)?;
    Ok(attributes)
}

fn from_indirect(url: &Url) -> Result<Attributes, Refused> {
    let segments = url.segments();
    let (id, reference, rev) = match segments.as_slice() {
        [id] => (*id, None, None),
        [id, rev] if is_rev(rev) => (*id, None, Some(*rev)),
        [id, name] if is_ref_name(name) => (*id, Some(*name), None),
        [_, other] => {
            return Err(bad_url(format!(
                "in flake URL '{url}', '{other}' is not a commit hash or branch/tag name"
            )));
        }
        [_, name, _] if !is_ref_name(name) => {
            return Err(bad_url(format!(
                "in flake URL '{url}', '{name}' is not a branch/tag name"
            )));
        }
        [_, _, rev] if !is_rev(rev) => {
            return Err(bad_url(format!(
                "in flake URL '{url}', '{rev}' is not a commit hash"
            )));
        }
        [id, name, rev] => (*id, Some(*name), Some(*rev)),
        _ => return Err(bad_url(format!("GitHub URL '{url}' is invalid"))),
    };
    let mut attributes = Attributes::from([
        ("type".to_owned(), string("indirect")),
        ("id".to_owned(), string(id)),
    ]);
    for (name, value) in [("ref", reference), ("rev", rev)] {
        if let Some(value) = value {
            attributes.insert(name.to_owned(), string(value));
        }
    }
    check(&attributes)?;
    Ok(attributes)
}

fn from_path(url: &Url) -> Result<Attributes, Refused> {
    if let Some(authority) = url.authority.as_deref().filter(|text| !text.is_empty()) {
        return Err(Refused::Wrong(format!(
            "path URL '{url}' should not have an authority ('{authority}')"
        )));
    }
    let mut attributes = Attributes::from([
        ("type".to_owned(), string("path")),
        ("path".to_owned(), string(url.path.join("/"))),
    ]);
    for (name, value) in &url.query {
        let value =
            match name.as_str() {
                "rev" | "narHash" => string(value),
                "revCount" | "lastModified" => Attribute::Number(value.parse().map_err(|_| {
                    Refused::Wrong(format!("path URL '{url}' has invalid parameter '{name}'"))
                })?),
                _ => {
                    return Err(Refused::Wrong(format!(
                        "path URL '{url}' has unsupported parameter '{name}'"
                    )));
                }
            };
        attributes.insert(name.clone(), value);
    }
    Ok(attributes)
}

/// The URL without what only says how it is to be fetched.
fn inner_url(url: &Url, keep_in_query: impl Fn(&str) -> bool) -> String {
    let mut inner = url.clone();
    inner.query.retain(|name, _| keep_in_query(name));
    inner.scheme = transport(&url.scheme).to_owned();
    inner.to_string()
}

fn from_git(url: &Url) -> Result<Attributes, Refused> {
    let texts = ["rev", "ref", "keytype", "publicKey", "publicKeys"];
    let mut attributes = Attributes::from([("type".to_owned(), string("git"))]);
    for (name, value) in &url.query {
        if texts.contains(&name.as_str()) {
            attributes.insert(name.clone(), string(value));
        } else if GIT_FLAGS.contains(&name.as_str()) {
            attributes.insert(name.clone(), Attribute::Bool(value == "1"));
        }
    }
    let inner = inner_url(url, |name| !texts.contains(&name) && !GIT_FLAGS.contains(&name));
    attributes.insert("url".to_owned(), string(inner));
    check(&attributes)?;
    Ok(attributes)
}

fn from_mercurial(url: &Url) -> Result<Attributes, Refused> {
    let mut attributes = Attributes::from([("type".to_owned(), string("hg"))]);
    for name in ["rev", "ref"] {
        if let Some(value) = url.query.get(name) {
            attributes.insert(name.to_owned(), string(value));
        }
    }
    let inner = inner_url(url, |name| name != "rev" && name != "ref");
    attributes.insert("url".to_owned(), string(inner));
    Ok(attributes)
}

fn from_curl(url: &Url, kind: &str) -> Result<Attributes, Refused> {
    let mut attributes = Attributes::from([("type".to_owned(), string(kind))]);
    for name in ["narHash", "rev"] {
        if let Some(value) = url.query.get(name) {
            attributes.insert(name.to_owned(), string(value));
        }
    }
    for name in ["revCount", "lastModified"] {
        if let Some(number) = url.query.get(name).and_then(|value| value.parse().ok()) {
            attributes.insert(name.to_owned(), Attribute::Number(number));
        }
    }
    let inner = inner_url(url, |name| !CURL.contains(&name));
    attributes.insert("url".to_owned(), string(inner));
    Ok(attributes)
}

/// What has to hold for the attributes of each kind.
fn check(attributes: &Attributes) -> Result<(), Refused> {
    let reference = opt_text(attributes, "ref")?;
    match text(attributes, "type")? {
        "github" | "gitlab" | "sourcehut" => {
            text(attributes, "owner")?;
            text(attributes, "repo")?;
            let rev = opt_text(attributes, "rev")?;
            if let (Some(reference), Some(rev)) = (reference, rev) {
                return Err(bad_url(format!(
                    "input {} contains both a commit hash ('{rev}') and a branch/tag name ('{reference}')",
                    to_json(attributes)
                )));
            }
            checked_rev(attributes)?;
            if reference.is_some_and(|name| !is_ref_name(name)) {
                return Err(bad_url(format!(
                    "input {} contains an invalid branch/tag name",
                    to_json(attributes)
                )));
            }
            let is_host = |host: &str| {
                host.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
            };
            if opt_text(attributes, "host")?.is_some_and(|host| !is_host(host)) {
                return Err(bad_url(format!(
                    "input {} contains an invalid instance host",
                    to_json(attributes)
                )));
            }
        }
        "indirect" => {
            let id = text(attributes, "id")?;
            if !is_flake_id(id) {
                return Err(bad_url(format!("'{id}' is not a valid flake ID")));
            }
        }
        "git" => {
            if let Some(name) = reference.filter(|name| !is_ref_name(name)) {
                return Err(bad_url(format!("invalid Git branch/tag name '{name}'")));
            }
            text(attributes, "url")?;
        }
        "path" => drop(text(attributes, "path")?),
        _ => {}
    }
    Ok(())
}

/// The URL that the attributes stand for.
pub(super) fn to_url(attributes: &Attributes) -> Result<Url, Refused> {
    let Some(kind) = opt_text(attributes, "type")? else {
        let message = "'type' attribute to specify input scheme is required but not provided";
        return Err(Refused::Wrong(message.to_owned()));
    };
    let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == kind) else {
        return Err(Refused::Wrong(format!(
            "cannot show unsupported input '{}'",
            to_json(attributes)
        )));
    };
    let is_allowed = |name: &str| matches!(name, "type" | "__final") || allowed.contains(&name);
    if let Some(name) = attributes.keys().find(|name| !is_allowed(name)) {
        return Err(Refused::Wrong(format!(
            "input attribute '{name}' not supported by scheme '{kind}'"
        )));
    }
    check(attributes)?;
    match kind {
        "github" | "gitlab" | "sourcehut" => forge_url(attributes, kind),
        "indirect" => indirect_url(attributes),
        "path" => path_url(attributes),
        "git" => git_url(attributes),
        "hg" => {
            let mut url = given_url(attributes)?;
            url.scheme = format!("hg+{}", url.scheme);
            add_revision(attributes, &mut url)?;
            Ok(url)
        }
        _ => {
            let mut url = given_url(attributes)?;
            add_nar_hash(attributes, &mut url)?;
            Ok(url)
        }
    }
}

fn forge_url(attributes: &Attributes, kind: &str) -> Result<Url, Refused> {
    let mut path = vec![
        text(attributes, "owner")?.to_owned(),
        text(attributes, "repo")?.to_owned(),
    ];
    path.extend(opt_text(attributes, "ref")?.map(str::to_owned));
    path.extend(checked_rev(attributes)?);
    let mut url = Url {
        scheme: kind.to_owned(),
        path,
        ..Url::default()
    };
    add_nar_hash(attributes, &mut url)?;
    if let Some(host) = opt_text(attributes, "host")? {
        url.query.insert("host".to_owned(), host.to_owned());
    }
    Ok(url)
}

fn indirect_url(attributes: &Attributes) -> Result<Url, Refused> {
    let mut path = vec![text(attributes, "id")?.to_owned()];
    path.extend(opt_text(attributes, "ref")?.map(str::to_owned));
    path.extend(checked_rev(attributes)?);
    Ok(Url {
        scheme: "flake".to_owned(),
        path,
        ..Url::default()
    })
}

fn path_url(attributes: &Attributes) -> Result<Url, Refused> {
    let mut query = BTreeMap::new();
    for (name, value) in attributes {
        if matches!(name.as_str(), "type" | "path" | "__final") {
            continue;
        }
        let value = match value {
            Attribute::Text(text) => text.clone(),
            Attribute::Number(number) => number.to_string(),
            Attribute::Bool(b) => u8::from(*b).to_string(),
        };
        query.insert(name.clone(), value);
    }
    Ok(Url {
        scheme: "path".to_owned(),
        path: text(attributes, "path")?.split('/').map(str::to_owned).collect(),
        query,
        ..Url::default()
    })
}

fn git_url(attributes: &Attributes) -> Result<Url, Refused> {
    let given = text(attributes, "url")?;
    let mut url = match given.starts_with('/') {
        true => Url {
            scheme: "file".to_owned(),
            authority: Some(String::new()),
            path: given.split('/').map(str::to_owned).collect(),
            ..Url::default()
        },
        false => given_url(attributes)?,
    };
    let scheme = transport(&url.scheme);
    url.scheme = match scheme {
        "git" => scheme.to_owned(),
        other => format!("git+{other}"),
    };
    add_revision(attributes, &mut url)?;
    for &flag in GIT_FLAGS.iter().filter(|&&flag| flag != "allRefs") {
        match attributes.get(flag) {
            None | Some(Attribute::Bool(false)) => {}
            Some(Attribute::Bool(true)) => drop(url.query.insert(flag.to_owned(), "1".to_owned())),
            Some(_) => {
                return Err(Refused::Wrong(format!(
                    "input attribute '{flag}' is not a Boolean"
                )));
            }
        }
    }
    Ok(url)
}

fn given_url(attributes: &Attributes) -> Result<Url, Refused> {
    Url::parse(text(attributes, "url")?).map_err(Refused::Wrong)
}

fn add_revision(attributes: &Attributes, url: &mut Url) -> Result<(), Refused> {
    if let Some(rev) = checked_rev(attributes)? {
        url.query.insert("rev".to_owned(), rev);
    }
    if let Some(name) = opt_text(attributes, "ref")? {
        url.query.insert("ref".to_owned(), name.to_owned());
    }
    Ok(())
}

fn add_nar_hash(attributes: &Attributes, url: &mut Url) -> Result<(), Refused> {
    if let Some(hash) = opt_text(attributes, "narHash")? {
        let hash = match hash {
            "" => Hash::zero(HashAlgorithm::Sha256),
            hash => Hash::parse_sri(hash).map_err(|error| Refused::Wrong(error.to_string()))?,
        };
        url.query.insert("narHash".to_owned(), hash.to_sri());
    }
    Ok(())
}

/// The commit, as digits.
fn checked_rev(attributes: &Attributes) -> Result<Option<String>, Refused> {
    let Some(rev) = opt_text(attributes, "rev")? else {
        return Ok(None);
    };
    match Hash::parse_any(rev, Some(HashAlgorithm::Sha1)) {
        Ok(hash) => Ok(Some(hash.to_base16())),
        Err(error) => Err(Refused::Wrong(error.to_string())),
    }
}

fn is_rev(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether it is a name that the registry of flakes may have.
pub(super) fn is_flake_id(text: &str) -> bool {
    let is_other = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    text.as_bytes()
        .split_first()
        .is_some_and(|(first, rest)| first.is_ascii_alphabetic() && rest.iter().copied().all(is_other))
}

/// Whether Git allows a branch or tag of that name.
fn is_ref_name(name: &str) -> bool {
    let bad_byte = |byte: u8| byte <= b' ' || byte == 0x7f || b"~^:?*[\\".contains(&byte);
    let bad_part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    name != "@"
        && !name.starts_with('-')
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.bytes().any(bad_byte)
        && !name.split('/').any(bad_part)
}
