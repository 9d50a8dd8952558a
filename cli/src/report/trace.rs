//! The short trace: what the frames of an error say, calls with the names of functions and where they were called,
//! runs of frames that are not the user's folded into one line.

use super::library::{Owner, Owners};
use nivis_eval::error::{Frame, FrameText};
use nivis_eval::evaluator::Evaluator;
use nivis_lang::position::Pos;
use std::collections::HashSet;

/// So many entries are shown from the inside of a trace, at the most, and so many from its outside.
const SHOWN_INSIDE: usize = 6;
const SHOWN_OUTSIDE: usize = 3;
/// So many remarks of `addErrorContext` are shown.
const SHOWN_REMARKS: usize = 5;
/// So many files are named where entries are folded.
const NAMED_FILES: usize = 3;
/// Calls that repeat with a longer period are not noticed.
const MAX_PERIOD: usize = 64;

/// What an entry tells of.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum What {
    /// A call of a function with its name.
    Call(Option<String>),
    /// A call of a builtin.
    Builtin(&'static str),
    /// The evaluation of an attribute.
    Attribute(String),
    /// What `addErrorContext` was given.
    Remark(String),
    /// Anything else.
    Other(String),
}

/// One step on the way to an error.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Entry {
    pub(super) what: What,
    /// Where it happened: for a call, the place that calls.
    pub(super) at: Pos,
    /// Where the function starts.
    pub(super) function: Pos,
}

/// What a short trace shows.
pub(super) enum Line {
    /// An entry, and how many times in a row.
    Entry(Entry, usize),
    /// So many entries that are not shown, and files they are in.
    Folded(usize, Vec<String>),
}

/// What the frames say, the innermost first.
pub(super) fn entries(ev: &Evaluator, frames: &[Frame]) -> Vec<Entry> {
    let mut entries: Vec<Entry> = vec![];
    for frame in frames {
        let mut function = Pos::NONE;
        let what = match &frame.text {
            FrameText::Needed => continue,
            FrameText::Static("") => continue,
            FrameText::Static("from call site") => {
                match entries.last_mut() {
                    Some(call) if matches!(call.what, What::Call(_)) && !call.at.is_some() => {
                        call.at = frame.pos;
                    }
                    _ => entries.push(Entry {
                        what: What::Call(None),
                        at: frame.pos,
                        function,
                    }),
                }
                continue;
            }
            FrameText::Calling(name) => {
                function = frame.pos;
                What::Call(name.map(|name| ev.name(name)))
            }
            FrameText::Builtin(name) => What::Builtin(name),
            FrameText::Attribute(name) => What::Attribute(ev.name_in_message(*name)),
            FrameText::Static(text) => What::Other((*text).to_owned()),
            FrameText::Owned(text) if frame.always => What::Remark(text.to_string()),
            FrameText::Owned(text) => What::Other(text.to_string()),
        };
        let at = match what {
            What::Call(_) => Pos::NONE,
            // Most builtins do not know who calls what they were given.
            What::Builtin(_) if !frame.pos.is_some() => continue,
            _ => frame.pos,
        };
        entries.push(Entry { what, at, function });
    }
    entries
}

impl Entry {
    /// The place that counts: where it happened, or else where the function is.
    pub(super) fn place(&self) -> Pos {
        match self.at.is_some() {
            true => self.at,
            false => self.function,
        }
    }

    /// What it tells, without places.
    pub(super) fn text(&self) -> String {
        match &self.what {
            What::Call(Some(name)) => format!("in '{name}'"),
            What::Call(None) if self.function.is_some() => "in a function without a name".to_owned(),
            What::Call(None) => "called".to_owned(),
            What::Builtin(name) => format!("in the builtin '{name}'"),
            What::Attribute(name) => format!("in the attribute '{name}'"),
            What::Remark(text) | What::Other(text) => text.clone(),
        }
    }

    /// What it tells, with places.
    pub(super) fn line(&self, ev: &Evaluator) -> String {
        let mut line = self.text();
        if self.function.is_some() {
            line.push_str(&format!(" ({})", ev.show_position(self.function)));
        }
        // Builtins call functions from where these start.
        if self.at.is_some() && self.at != self.function {
            let verb = match self.what {
                What::Call(_) if self.function.is_some() => ", called at",
                _ => " at",
            };
            line.push_str(&format!("{verb} {}", ev.show_position(self.at)));
        }
        line
    }
}

/// How many entries at the inside repeat again and again, as those of an endless recursion do; 0 if they do not.
pub(super) fn period(entries: &[Entry]) -> usize {
    let repeats = |period: &usize| {
        let again = entries.iter().skip(*period);
        let same = entries.iter().zip(again).take_while(|(a, b)| a == b).count();
        same >= 3 * period
    };
    (1..=MAX_PERIOD).find(repeats).unwrap_or(0)
}

/// The entries worth showing: those in the code of `owner`, remarks, and how many lie between.
pub(super) fn shorten(owners: &Owners<'_>, entries: Vec<Entry>, owner: Owner) -> Vec<Line> {
    let mut counted: Vec<(Entry, usize)> = vec![];
    for entry in entries {
        match counted.last_mut() {
            Some((last, times)) if *last == entry => *times += 1,
            _ => counted.push((entry, 1)),
        }
    }
    let keep = kept(owners, &counted, owner);
    let mut lines: Vec<Line> = vec![];
    for ((entry, times), keep) in counted.into_iter().zip(keep) {
        match (lines.last_mut(), keep) {
            (_, true) => lines.push(Line::Entry(entry, times)),
            (Some(Line::Folded(count, files)), false) => fold(owners, &entry, times, count, files),
            (_, false) => {
                let (mut count, mut files) = (0, vec![]);
                fold(owners, &entry, times, &mut count, &mut files);
                lines.push(Line::Folded(count, files));
            }
        }
    }
    lines
}

fn fold(owners: &Owners<'_>, entry: &Entry, times: usize, count: &mut usize, files: &mut Vec<String>) {
    *count += times;
    let named = owners.short_name(entry.place());
    if let Some(file) = named.filter(|file| !files.contains(file)) {
        files.push(file);
    }
}

/// Which entries to show.
fn kept(owners: &Owners<'_>, entries: &[(Entry, usize)], owner: Owner) -> Vec<bool> {
    let mut remarks = HashSet::new();
    let mut keep: Vec<bool> = entries
        .iter()
        .map(|(entry, _)| match &entry.what {
            What::Remark(text) => remarks.len() < SHOWN_REMARKS && remarks.insert(text),
            What::Other(_) => false,
            _ => entry.at.is_some() && owners.of(entry.at) <= owner,
        })
        .collect();
    let own: Vec<usize> = (0..entries.len())
        .filter(|&i| keep[i] && !matches!(entries[i].0.what, What::Remark(_)))
        .collect();
    if own.len() > SHOWN_INSIDE + SHOWN_OUTSIDE {
        for &i in &own[SHOWN_INSIDE..own.len() - SHOWN_OUTSIDE] {
            keep[i] = false;
        }
    }
    keep
}

impl Line {
    /// The line in words.
    pub(super) fn text(&self, ev: &Evaluator) -> String {
        match self {
            Line::Entry(entry, 1) => entry.line(ev),
            Line::Entry(entry, times) => format!("{} ({times} times)", entry.line(ev)),
            Line::Folded(count, files) => {
                let more = match files.len().saturating_sub(NAMED_FILES) {
                    0 => String::new(),
                    more => format!(" and {more} more files"),
                };
                let named = files.iter().take(NAMED_FILES).cloned().collect::<Vec<_>>();
                let frames = if *count == 1 { "frame" } else { "frames" };
                match named.is_empty() {
                    true => format!("… {count} {frames}"),
                    false => format!("… {count} {frames} in {}{more}", named.join(", ")),
                }
            }
        }
    }
}
