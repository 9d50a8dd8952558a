//! Attribute paths of the command line: `-A a.b."c.d".0`.

use nivis_eval::attrs::Attrs;
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;

/// Takes a path apart at its dots.
fn parse(path: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut parts = vec![];
    let mut part = vec![];
    let mut bytes = path.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'.' => parts.push(std::mem::take(&mut part)),
            b'"' => loop {
                match bytes.next() {
                    None => {
                        let message = format!("missing closing quote in selection path '{}'", lossy(path));
                        return Err(Error::new(Kind::Usage, message));
                    }
                    Some(b'"') => break,
                    Some(&byte) => part.push(byte),
                }
            },
            byte => part.push(byte),
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    Ok(parts)
}

/// The value at a path below `root`; functions on the way are called.
pub(crate) fn find(ev: &Evaluator, path: &[u8], auto_args: &'static Attrs, root: Slot) -> Result<Slot> {
    let mut slot = root;
    for part in parse(path)? {
        let value = ev.auto_call(auto_args, slot)?;
        slot = match index(&part) {
            Some(index) => element(ev, value, index, path)?,
            None => attribute(ev, value, &part, path)?,
        };
    }
    Ok(slot)
}

fn index(part: &[u8]) -> Option<u32> {
    std::str::from_utf8(part).ok()?.parse().ok()
}

fn element(ev: &Evaluator, value: Value, index: u32, path: &[u8]) -> Result<Slot> {
    let Some(list) = value.as_list() else {
        return Err(wrong_type(ev, value, "list", path));
    };
    list.get(index as usize).copied().ok_or_else(|| {
        let message = format!(
            "list index {index} in selection path '{}' is out of range",
            lossy(path)
        );
        Error::new(Kind::Usage, message)
    })
}

fn attribute(ev: &Evaluator, value: Value, name: &[u8], path: &[u8]) -> Result<Slot> {
    let Some(set) = value.as_attrs() else {
        return Err(wrong_type(ev, value, "set", path));
    };
    if name.is_empty() {
        let message = format!("empty attribute name in selection path '{}'", lossy(path));
        return Err(Error::new(Kind::Usage, message));
    }
    if let Some(slot) = ev.known_symbol(name).and_then(|symbol| set.get(symbol)) {
        return Ok(slot);
    }
    let names = ev.sorted_entries(set).map(|entry| ev.name(entry.name));
    let suggestions = nivis_eval::suggest::best_matches(names, &lossy(name));
    let message = format!(
        "attribute '{}' in selection path '{}' not found",
        lossy(name),
        lossy(path)
    );
    Err(Error::new(Kind::Usage, message).suggest(suggestions))
}

fn wrong_type(ev: &Evaluator, value: Value, expected: &str, path: &[u8]) -> Error {
    let message = format!(
        "the expression selected by the selection path '{}' should be a {expected} but is {}",
        lossy(path),
        ev.describe(value)
    );
    Error::new(Kind::Type, message).at(Pos::NONE)
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}
