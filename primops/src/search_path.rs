//! Finding files in the search path: `<nixpkgs>` is `findFile nixPath "nixpkgs"`.

use crate::realise::{build, first_invalid};
use nivis_eval::attrs::Entry;
use nivis_eval::context::ContextBuilder;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::host::Level;
use nivis_eval::ops::coerce::Coercion;
use nivis_eval::path::{join, normalise};
use nivis_eval::primop::Primop;
use nivis_eval::settings::SearchPathElement;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;

/// The value of `builtins.nixPath`.
pub(super) fn nix_path(ev: &Evaluator) -> Value {
    let elements = &ev.settings.search_path;
    ev.heap.list_with(elements.len(), |i| {
        let entry = |name, text: &[u8]| Entry {
            name,
            slot: ev.string(text).slot(),
            pos: Pos::NONE,
        };
        let (path, prefix) = (ev.names.path, ev.names.prefix);
        ev.heap
            .attrs(&mut [entry(path, &elements[i].path), entry(prefix, &elements[i].prefix)])
            .slot()
    })
}

/// Allows looking at what the search path names, when that is restricted.
pub(super) fn allow_search_path(ev: &Evaluator) -> Result<()> {
    if !ev.is_restricted() {
        return Ok(());
    }
    let store = ev.host.store_dir();
    for element in &ev.settings.search_path {
        if is_pseudo_url(&element.path) {
            continue;
        }
        let path = absolute(ev, &element.path);
        ev.allow_path(&path);
        if let Ok((object, _)) = store.to_store_path(&path)
            && let Ok(closure) = ev.store_closure(&object)
        {
            for path in closure {
                ev.allow_store_path(&path);
            }
        }
    }
    Ok(())
}

fn find_file(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let message = "while evaluating the first argument passed to builtins.findFile";
    let list = ev.expect_list(args[0], pos, message)?;
    let elements = list
        .iter()
        .map(|&element| search_path_element(ev, element, pos))
        .collect::<Result<Vec<_>>>()?;
    let message = "while evaluating the second argument passed to builtins.findFile";
    let name = ev.expect_string_without_context(args[1], pos, message)?;
    Ok(ev.heap.path(&lookup(ev, &elements, name, pos)?))
}

fn search_path_element(ev: &Evaluator, slot: Slot, pos: Pos) -> Result<SearchPathElement> {
    let message = "while evaluating an element of the list passed to builtins.findFile";
    let set = ev.expect_attrs(slot, pos, message)?;
    let prefix = match set.get(ev.names.prefix) {
        None => &[],
        Some(prefix) => {
            let message = "while evaluating the `prefix` attribute of an element of the list passed to builtins.findFile";
            ev.expect_string_without_context(prefix, pos, message)?
        }
    };
    let path = ev.required_attr(set, ev.names.path, "in an element of the __nixPath")?;
    let message =
        "while evaluating the `path` attribute of an element of the list passed to builtins.findFile";
    let mut context = ContextBuilder::default();
    let path = ev.coerce_to_string(path, pos, &mut context, message, Coercion::PLAIN)?;
    let context = ev.contexts.build(context);
    if let Some(invalid) = first_invalid(ev, context)? {
        let message = format!(
            "cannot find '{}', since path '{}' is not valid",
            String::from_utf8_lossy(&path),
            invalid.base_name()
        );
        return Err(Error::new(Kind::Eval, message).at(pos));
    }
    build(ev, context)?;
    Ok(SearchPathElement {
        prefix: prefix.to_vec(),
        path: path.into_owned(),
    })
}

/// The file of that name. That there is none can be caught.
fn lookup(ev: &Evaluator, elements: &[SearchPathElement], name: &[u8], pos: Pos) -> Result<Vec<u8>> {
    for element in elements {
        let Some(suffix) = suffix(&element.prefix, name) else {
            continue;
        };
        let Some(root) = resolve_element(ev, &element.path)? else {
            continue;
        };
        // Made absolute on its own, so that `..` in it does not lead out of the element.
        let below = normalise(&join(b"/", suffix));
        let path = ev.resolve_links(&normalise(&[root.as_slice(), &below].concat()))?;
        if ev.file_type(&path)?.is_some() {
            return Ok(path);
        }
    }
    if let Some(name) = name.strip_prefix(b"nix/") {
        return Ok(nivis_eval::files::corepkg(name));
    }
    let name = String::from_utf8_lossy(name);
    let message = match ev.settings.pure_eval {
        true => format!("cannot look up '<{name}>' in pure evaluation mode (use '--impure' to override)"),
        false => {
            format!("file '{name}' was not found in the Nix search path (add it using $NIX_PATH or -I)")
        }
    };
    Err(Error::new(Kind::Thrown, message).at(pos))
}

/// What comes after the prefix, if the name starts with it as a path.
fn suffix<'n>(prefix: &[u8], name: &'n [u8]) -> Option<&'n [u8]> {
    let rest = name.strip_prefix(prefix)?;
    match rest {
        [b'/', rest @ ..] if !prefix.is_empty() => Some(rest),
        [_, ..] if !prefix.is_empty() => None,
        rest => Some(rest),
    }
}

/// Where an element of the search path lies, if it is there; asked for once.
fn resolve_element(ev: &Evaluator, text: &[u8]) -> Result<Option<Vec<u8>>> {
    if let Some(known) = ev.known_search_path(text) {
        return Ok(known);
    }
    let shown = String::from_utf8_lossy(text);
    if is_pseudo_url(text) {
        let message = format!("Nix search path entry '{shown}' cannot be downloaded, ignoring");
        ev.host.message(Level::Warning, &message);
    }
    if text.starts_with(b"flake:") {
        crate::features::require_feature(ev, "flakes", "")?;
    }
    let path = absolute(ev, text);
    let real = ev.resolve_links(&path)?;
    let found = ev.file_type(&real)?.is_some().then_some(path);
    if found.is_none() {
        let message = format!("Nix search path entry '{shown}' does not exist, ignoring");
        ev.host.message(Level::Warning, &message);
    }
    ev.remember_search_path(text, found.clone());
    Ok(found)
}

fn absolute(ev: &Evaluator, path: &[u8]) -> Vec<u8> {
    match path.starts_with(b"/") {
        true => normalise(path),
        false => normalise(&join(&ev.settings.current_dir, path)),
    }
}

/// Whether it is fetched rather than looked at.
fn is_pseudo_url(text: &[u8]) -> bool {
    let schemes: [&[u8]; 7] = [b"http", b"https", b"file", b"channel", b"git", b"s3", b"ssh"];
    text.starts_with(b"channel:")
        || text
            .windows(3)
            .position(|window| window == b"://")
            .is_some_and(|end| schemes.contains(&&text[..end]))
}

pub(super) static TABLE: &[Primop] = &[Primop {
    name: "findFile",
    arity: 2,
    function: find_file,
    args: &["search-path", "lookup-path"],
    doc: "Looks for the file *lookup-path* in *search-path*, a list of sets with the attributes `prefix` and `path`. `<name>` means `findFile nixPath \"name\"`.",
    ..Primop::DEFAULT
}];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes() {
        assert_eq!(suffix(b"", b"a/b"), Some(&b"a/b"[..]));
        assert_eq!(suffix(b"a", b"a/b"), Some(&b"b"[..]));
        assert_eq!(suffix(b"a", b"a"), Some(&b""[..]));
        assert_eq!(suffix(b"a", b"ab"), None);
        assert_eq!(suffix(b"a", b"b"), None);
    }

    #[test]
    fn urls() {
        assert!(is_pseudo_url(b"https://x/y") && is_pseudo_url(b"channel:x"));
        assert!(!is_pseudo_url(b"/a") && !is_pseudo_url(b"x://a"));
    }
}
