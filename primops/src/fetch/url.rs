//! `fetchurl` and `fetchTarball`: one file by its URL, as it is or unpacked.

use crate::derivation::hash_allow_empty;
use crate::source::store_path_string;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::Source;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;
use nivis_store::content_address::{ContentAddress, ContentAddressMethod};
use nivis_store::hash::{Hash, HashAlgorithm, HashFormat};
use nivis_store::path::{StorePath, check_name};

/// Which of the two primops it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fetcher {
    Url,
    Tarball,
}

impl Fetcher {
    fn name(self) -> &'static str {
        match self {
            Fetcher::Url => "fetchurl",
            Fetcher::Tarball => "fetchTarball",
        }
    }

    fn method(self) -> ContentAddressMethod {
        match self {
            Fetcher::Url => ContentAddressMethod::Flat,
            Fetcher::Tarball => ContentAddressMethod::NixArchive,
        }
    }
}

pub(super) fn fetch_url(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    fetch(ev, args[0], pos, Fetcher::Url)
}

pub(super) fn fetch_tarball(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    fetch(ev, args[0], pos, Fetcher::Tarball)
}

/// The arguments, as they were given.
#[derive(Default)]
struct Arguments {
    url: String,
    name: Option<String>,
    hash: Option<Hash>,
    is_set: bool,
}

fn fetch(ev: &Evaluator, slot: Slot, pos: Pos, fetcher: Fetcher) -> Result<Value> {
    let mut arguments = arguments(ev, slot, pos, fetcher)?;
    if fetcher == Fetcher::Tarball
        && let Some(channel) = arguments.url.strip_prefix("channel:")
    {
        arguments.url = format!("https://channels.nixos.org/{channel}/nixexprs.tar.xz");
    }
    let url = arguments.url.as_str();
    check_url(ev, url)?;
    let name = checked_name(&arguments, pos, fetcher)?;
    if ev.settings.pure_eval && arguments.hash.is_none() {
        let message = format!(
            "in pure evaluation mode, '{}' requires a 'sha256' argument",
            fetcher.name()
        );
        return Err(Error::new(Kind::Eval, message).at(pos));
    }
    if let Some(hash) = arguments.hash {
        let address = ContentAddress {
            method: fetcher.method(),
            hash,
        };
        let expected = ev
            .host
            .store_dir()
            .make_fixed_output_path(&address, &name, [], false)?;
        if ev.host.ensure_path(&expected).is_ok() {
            return Ok(store_path_string(ev, &expected));
        }
    }
    let (path, hash) = download(ev, url, &name, fetcher)?;
    if let Some(expected) = arguments.hash
        && expected != hash
    {
        return Err(mismatch(url, &expected, &hash).at(pos));
    }
    Ok(store_path_string(ev, &path))
}

fn arguments(ev: &Evaluator, slot: Slot, pos: Pos, fetcher: Fetcher) -> Result<Arguments> {
    let text = |slot, pos, context| {
        let text = ev.expect_string_without_context(slot, pos, context)?;
        Ok::<_, Error>(String::from_utf8_lossy(text).into_owned())
    };
    let url_context = "while evaluating the url we should fetch";
    let Some(attrs) = ev.force(slot, pos)?.as_attrs() else {
        return Ok(Arguments {
            url: text(slot, pos, url_context)?,
            ..Arguments::default()
        });
    };
    let mut url = None;
    let mut arguments = Arguments {
        is_set: true,
        ..Arguments::default()
    };
    for entry in attrs.flat(ev.heap).entries() {
        let (slot, at) = (entry.slot, entry.pos);
        match ev.symbol_bytes(entry.name) {
            b"url" => url = Some(text(slot, at, url_context)?),
            b"sha256" => {
                let context = "while evaluating the sha256 of the content we should fetch";
                let hash = text(slot, at, context)?;
                arguments.hash = Some(hash_allow_empty(ev, &hash, Some(HashAlgorithm::Sha256))?);
            }
            b"name" => {
                let context = "while evaluating the name of the content we should fetch";
                arguments.name = Some(text(slot, at, context)?);
            }
            _ => {
                let name = ev.name(entry.name);
                let message = format!("unsupported argument '{name}' to '{}'", fetcher.name());
                return Err(Error::new(Kind::Eval, message).at(pos));
            }
        }
    }
    arguments.url = url.ok_or_else(|| Error::new(Kind::Eval, "'url' argument required").at(pos))?;
    Ok(arguments)
}

/// The name that the result gets in the store.
fn checked_name(arguments: &Arguments, pos: Pos, fetcher: Fetcher) -> Result<String> {
    let given = match (&arguments.name, fetcher) {
        (Some(name), _) => name.as_str(),
        (None, Fetcher::Tarball) => "source",
        (None, Fetcher::Url) => "",
    };
    let name = match given {
        "" => arguments
            .url
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default(),
        name => name,
    };
    let Err(reason) = check_name(name.as_bytes()) else {
        return Ok(name.to_owned());
    };
    let who = fetcher.name();
    let advice = if arguments.name.is_some() {
        format!(
            "Please change the value for the 'name' attribute passed to '{who}', so that it can create a valid store path."
        )
    } else if arguments.is_set {
        format!(
            "Please add a valid 'name' attribute to the argument for '{who}', so that it can create a valid store path."
        )
    } else {
        format!(
            "Please pass an attribute set with 'url' and 'name' attributes to '{who}',  so that it can create a valid store path."
        )
    };
    let message = format!(
        "invalid store path name when fetching URL '{}': {reason}. {advice}",
        arguments.url
    );
    Err(Error::new(Kind::Eval, message).at(pos))
}

fn download(ev: &Evaluator, url: &str, name: &str, fetcher: Fetcher) -> Result<(StorePath, Hash)> {
    let fetched = ev.host.fetch(url, fetcher == Fetcher::Tarball)?;
    ev.host.add_source(Source {
        path: fetched.path(),
        name,
        method: fetcher.method(),
        algorithm: HashAlgorithm::Sha256,
        filter: None,
    })
}

#[cold]
fn mismatch(url: &str, expected: &Hash, found: &Hash) -> Error {
    let message = format!(
        "hash mismatch in file downloaded from '{url}':\n  specified: {}\n  got:       {}",
        expected.to_prefixed(HashFormat::Nix32),
        found.to_prefixed(HashFormat::Nix32)
    );
    let mut error = Error::new(Kind::Store, message);
    error.details_mut().exit_status = Some(102);
    error
}

/// Fails when restricted evaluation forbids to fetch from there.
pub(super) fn check_url(ev: &Evaluator, url: &str) -> Result<()> {
    if !ev.settings.restrict_eval
        || ev
            .settings
            .allowed_uris
            .iter()
            .any(|allowed| covers(allowed, url))
    {
        return Ok(());
    }
    if url.starts_with('/') {
        return ev.check_access(url.as_bytes());
    }
    if let Some(path) = url.strip_prefix("file://") {
        return ev.check_access(path.as_bytes());
    }
    let message = format!("access to URI '{url}' is forbidden in restricted mode");
    Err(Error::new(Kind::Restricted, message))
}

/// Whether an element of `allowed-uris` is the URL, a folder above it or its scheme.
fn covers(allowed: &str, url: &str) -> bool {
    let is_scheme = || {
        allowed
            .strip_suffix(':')
            .is_some_and(|scheme| !scheme.is_empty() && !scheme.contains(['/', ':']))
    };
    match url.strip_prefix(allowed) {
        Some("") => true,
        Some(rest) => !allowed.is_empty() && (allowed.ends_with('/') || rest.starts_with('/') || is_scheme()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn allowed_urls() {
        assert!(covers("https://a.org", "https://a.org") && covers("https://a.org", "https://a.org/x"));
        assert!(covers("https://a.org/", "https://a.org/x") && covers("github:", "github:a/b"));
        assert!(!covers("https://a.or", "https://a.org") && !covers("", "x"));
    }
}
