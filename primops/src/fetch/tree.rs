//! Fetching trees from repositories: so far only the arguments are checked.

use super::unsupported;
use super::url::check_url;
use crate::features::require_feature;
use nivis_eval::context::ContextBuilder;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::ops::coerce::Coercion;
use nivis_eval::value::{Slot, Unpacked, Value};
use nivis_lang::position::Pos;

pub(super) fn fetch_git(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let url = tree_url(ev, args[0], pos, "fetchGit")?;
    if let Some(url) = url {
        check_url(ev, &url)?;
    }
    Err(unsupported("fetchGit", "fetching from Git"))
}

pub(super) fn fetch_tree(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let url = tree_url(ev, args[0], pos, "fetchTree")?;
    if let Some(url) = url {
        check_url(ev, &url)?;
    }
    Err(unsupported("fetchTree", "fetching trees"))
}

/// Checks the argument; the URL in it, if there is one.
fn tree_url(ev: &Evaluator, slot: Slot, pos: Pos, who: &'static str) -> Result<Option<String>> {
    let is_git = who == "fetchGit";
    let Some(attrs) = ev.force(slot, pos)?.as_attrs() else {
        let context = match is_git {
            true => "while evaluating the first argument passed to 'fetchGit'",
            false => "while evaluating the first argument passed to 'fetchTree'",
        };
        let url = plain_text(ev, slot, pos, context)?;
        if !is_git && !ev.settings.has_feature("flakes") {
            let message =
                format!("passing a string argument to '{who}' requires the 'flakes' experimental feature");
            return Err(Error::new(Kind::Eval, message).at(pos));
        }
        return Ok(Some(url));
    };
    match attrs.find(ev.names.type_) {
        Some(_) if is_git => {
            return Err(Error::new(Kind::Eval, "unexpected argument 'type'").at(pos));
        }
        Some(found) => {
            let context = "while evaluating the `type` argument passed to 'fetchTree'";
            ev.expect_string_without_context(found.slot, found.pos, context)?;
        }
        None if !is_git => {
            let message = format!("argument 'type' is missing in call to '{who}'");
            return Err(Error::new(Kind::Eval, message).at(pos));
        }
        None => {}
    }
    let mut url = None;
    for entry in attrs.flat(ev.heap).entries() {
        if entry.name == ev.names.type_ {
            continue;
        }
        let name = ev.symbol_bytes(entry.name);
        let value = ev.force(entry.slot, entry.pos)?;
        match value.unpack() {
            Unpacked::Path(_) | Unpacked::String(_) => {
                let text = plain_text(ev, value.slot(), entry.pos, "")?;
                if name == b"url" {
                    url = Some(text);
                }
            }
            Unpacked::Bool(_) => {}
            Unpacked::Int(i) if i < 0 => {
                let message = format!(
                    "negative value given for '{who}' argument '{}': {i}",
                    ev.name(entry.name)
                );
                return Err(Error::new(Kind::Eval, message).at(pos));
            }
            Unpacked::Int(_) => {}
            _ if name == b"publicKeys" => require_feature(ev, "verified-fetches", "")?,
            _ => {
                let message = format!(
                    "argument '{}' to '{who}' is {} while a string, Boolean or integer is expected",
                    ev.name(entry.name),
                    ev.describe(value)
                );
                return Err(Error::new(Kind::Type, message));
            }
        }
    }
    if !is_git && attrs.get(ev.names.name).is_some() {
        let message = format!("argument 'name' isn’t supported in call to '{who}'");
        return Err(Error::new(Kind::Eval, message).at(pos));
    }
    Ok(url)
}

fn plain_text(ev: &Evaluator, slot: Slot, pos: Pos, context: &'static str) -> Result<String> {
    let text = ev.coerce_to_string(
        slot,
        pos,
        &mut ContextBuilder::default(),
        context,
        Coercion::PLAIN,
    )?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

pub(super) fn fetch_mercurial(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let mut url = String::new();
    match ev.force(args[0], pos)?.as_attrs() {
        None => {
            let context = "while evaluating the first argument passed to builtins.fetchMercurial";
            url = plain_text(ev, args[0], pos, context)?;
        }
        Some(attrs) => {
            for entry in attrs.flat(ev.heap).entries() {
                let (slot, at) = (entry.slot, entry.pos);
                match ev.symbol_bytes(entry.name) {
                    b"url" => {
                        let context =
                            "while evaluating the `url` attribute passed to builtins.fetchMercurial";
                        url = plain_text(ev, slot, at, context)?;
                    }
                    b"rev" => {
                        let context =
                            "while evaluating the `rev` attribute passed to builtins.fetchMercurial";
                        ev.expect_string_without_context(slot, at, context)?;
                    }
                    b"name" => {
                        let context =
                            "while evaluating the `name` attribute passed to builtins.fetchMercurial";
                        ev.expect_string_without_context(slot, at, context)?;
                    }
                    _ => {
                        let name = ev.name(entry.name);
                        let message = format!("unsupported argument '{name}' to 'fetchMercurial'");
                        return Err(Error::new(Kind::Eval, message).at(at));
                    }
                }
            }
            if url.is_empty() {
                return Err(Error::new(Kind::Eval, "'url' argument required").at(pos));
            }
        }
    }
    check_url(ev, &url)?;
    Err(unsupported("fetchMercurial", "fetching from Mercurial"))
}

pub(super) fn fetch_closure(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the argument passed to builtins.fetchClosure";
    ev.expect_attrs(args[0], pos, context)?;
    Err(unsupported("fetchClosure", "fetching closures"))
}
