//! What could follow: names of variables, attributes and files.

use super::session::Repl;
use nivis_lang::show::write_identifier;
use rustyline::completion::Pair;
use rustyline::{Context, Helper, Highlighter, Hinter, Validator};
use std::path::Path;

/// Completes with the names of a session.
#[derive(Helper, Highlighter, Hinter, Validator)]
pub(super) struct Completer<'r, 's> {
    repl: &'r Repl<'s>,
}

impl<'r, 's> Completer<'r, 's> {
    /// Completes with the names of this session.
    pub(super) fn new(repl: &'r Repl<'s>) -> Completer<'r, 's> {
        Completer { repl }
    }
}

impl rustyline::completion::Completer for Completer<'_, '_> {
    type Candidate = Pair;

    fn complete(&self, line: &str, end: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let before = &line[..end];
        let start = before
            .rfind([' ', '\n', '\r', '\t', '(', ')', '{', '}', '[', ']', ';', '='])
            .map_or(0, |at| at + 1);
        let candidates = candidates(self.repl, &before[start..]);
        let pair = |text: String| Pair {
            display: text.clone(),
            replacement: text,
        };
        Ok((start, candidates.into_iter().map(pair).collect()))
    }
}

/// The texts that begin with `word` and could stand in its place, sorted.
fn candidates(repl: &Repl<'_>, word: &str) -> Vec<String> {
    if word.contains('/') {
        return files(word);
    }
    match word.rsplit_once('.') {
        Some((set, attribute)) => attributes(repl, set, attribute),
        None => repl
            .names()
            .into_iter()
            .filter(|name| name.starts_with(word))
            .collect(),
    }
}

/// The attributes of what stands before the last dot. Only that is evaluated, and errors are kept quiet.
fn attributes(repl: &Repl<'_>, set: &str, attribute: &str) -> Vec<String> {
    let Some(found) = repl.eval(set).ok().and_then(|value| value.as_attrs()) else {
        return vec![];
    };
    let ev = &repl.session.ev;
    let text = |name: &[u8]| {
        let mut text = format!("{set}.").into_bytes();
        write_identifier(&mut text, name);
        String::from_utf8_lossy(&text).into_owned()
    };
    ev.sorted_entries(found)
        .map(|entry| ev.symbol_bytes(entry.name))
        .filter(|name| name.starts_with(attribute.as_bytes()))
        .map(text)
        .collect()
}

fn files(word: &str) -> Vec<String> {
    let (folder, start) = word.rsplit_once('/').unwrap_or(("", word));
    let place = if folder.is_empty() { "/" } else { folder };
    let Ok(entries) = std::fs::read_dir(Path::new(place)) else {
        return vec![];
    };
    let mut found: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && name.starts_with(start))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    found.sort();
    found
}
