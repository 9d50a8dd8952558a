//! Primops: `match` and `split`.

use crate::posix_regex::{Captures, Regex, RegexError};
use nivis_eval::error::{Error, Kind, Result};
use nivis_eval::evaluator::Evaluator;
use nivis_eval::primop::Primop;
use nivis_eval::value::{Slot, Value};
use nivis_lang::position::Pos;
use rustc_hash::FxHashMap;
use std::cell::RefCell;

thread_local! {
    /// Patterns compiled so far. What a pattern compiles to depends on nothing else, so evaluators can share it.
    static COMPILED: RefCell<FxHashMap<Box<[u8]>, Regex>> = RefCell::default();
}

fn compile(pattern: &[u8], pos: Pos) -> Result<Regex> {
    COMPILED.with_borrow_mut(|compiled| {
        if let Some(regex) = compiled.get(pattern) {
            return Ok(regex.clone());
        }
        let regex = Regex::new(pattern).map_err(|error| regex_error(error, pattern, pos))?;
        compiled.insert(pattern.into(), regex.clone());
        Ok(regex)
    })
}

#[cold]
fn regex_error(error: RegexError, pattern: &[u8], pos: Pos) -> Error {
    let pattern = String::from_utf8_lossy(pattern);
    let message = match error {
        RegexError::Invalid => format!("invalid regular expression '{pattern}'"),
        RegexError::TooLarge => format!("memory limit exceeded by regular expression '{pattern}'"),
    };
    Error::new(Kind::Eval, message).at(pos)
}

/// The groups of a match as a list; `null` for those that took no part.
fn groups(ev: &Evaluator, text: &[u8], found: &Captures) -> Value {
    ev.heap.list_with(found.groups.len(), |i| match &found.groups[i] {
        Some(range) => ev.string(&text[range.clone()]).slot(),
        None => Slot::NULL,
    })
}

fn match_(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.match";
    let pattern = ev.expect_string_without_context(args[0], pos, context)?;
    let regex = compile(pattern, pos)?;
    let context = "while evaluating the second argument passed to builtins.match";
    let text = ev.expect_string(args[1], pos, context)?;
    match regex.match_whole(text) {
        Ok(Some(found)) => Ok(groups(ev, text, &found)),
        Ok(None) => Ok(Value::NULL),
        Err(error) => Err(regex_error(error, pattern, pos)),
    }
}

fn split(ev: &Evaluator, args: &[Slot], pos: Pos) -> Result<Value> {
    let context = "while evaluating the first argument passed to builtins.split";
    let pattern = ev.expect_string_without_context(args[0], pos, context)?;
    let regex = compile(pattern, pos)?;
    let context = "while evaluating the second argument passed to builtins.split";
    let text = ev.expect_string(args[1], pos, context)?;
    let mut parts = vec![];
    let mut end = 0;
    for found in regex.matches(text) {
        let found = found.map_err(|error| regex_error(error, pattern, pos))?;
        parts.push(ev.string(&text[end..found.whole.start]).slot());
        parts.push(groups(ev, text, &found).slot());
        end = found.whole.end;
    }
    if parts.is_empty() {
        // The string itself, with its context; parts of it have none.
        return Ok(ev.heap.list(&args[1..]));
    }
    parts.push(ev.string(&text[end..]).slot());
    Ok(ev.heap.list(&parts))
}

pub(super) static TABLE: &[Primop] = &[
    Primop {
        name: "match",
        arity: 2,
        function: match_,
        args: &["regex", "str"],
        doc: "Returns a list of the groups if the POSIX extended regular expression *regex* matches the whole of *str*, else `null`.",
        ..Primop::DEFAULT
    },
    Primop {
        name: "split",
        arity: 2,
        function: split,
        args: &["regex", "str"],
        doc: "Returns the parts of *str* between the matches of the POSIX extended regular expression *regex*, and between them a list of each match's groups.",
        ..Primop::DEFAULT
    },
];
