//! What an error has to tell, in whatever format: the places it is about, how it came to be, and what may help.

use super::clues;
use super::cycle::{self, Step};
use super::library::Owner;
use super::scope;
use super::source::{Part, Source, Sources, Span, around, range};
use super::trace::{self, Entry, Line, What};
use nivis_eval::error::{Details, Error, Kind};
use nivis_eval::suggest::best_matches;
use nivis_lang::kind::SyntaxKind;
use nivis_lang::position::Pos;
use nivis_lang::tree::SyntaxNode;
use std::rc::Rc;

/// A place with what there is to say about it.
#[derive(Clone)]
pub(super) struct Label {
    pub(super) span: Span,
    pub(super) text: String,
}

/// What an error has to tell.
pub(super) struct Story {
    /// The place to look at first.
    pub(super) primary: Option<Label>,
    /// Other places that explain it.
    pub(super) labels: Vec<Label>,
    /// What else helps, a sentence each.
    pub(super) notes: Vec<String>,
    /// Names that may have been meant.
    pub(super) suggestions: Vec<String>,
    /// How an infinite recursion comes about.
    pub(super) cycle: Vec<Step>,
    /// The calls that repeat in an endless recursion.
    pub(super) repeated: Vec<Entry>,
    /// The short trace.
    pub(super) trace: Vec<Line>,
    /// All entries, the innermost first.
    pub(super) entries: Vec<Entry>,
}

/// Finds out what an error has to tell.
pub(super) fn tell(sources: &Sources<'_>, error: &Error) -> Story {
    let details = error.details();
    let mut entries = trace::entries(sources.ev, &details.frames);
    name_calls(sources, &mut entries);
    let teller = Teller { sources, details };
    teller.tell(entries)
}

/// So many calls get names from where they are made: their files have to be parsed.
const NAMED_CALLS: usize = 200;

/// Gives calls of functions without names the names by which they are called.
fn name_calls(sources: &Sources<'_>, entries: &mut [Entry]) {
    for entry in entries.iter_mut().take(NAMED_CALLS) {
        if let What::Call(name @ None) = &mut entry.what
            && entry.at != entry.function
            && entry.function.is_some()
        {
            *name = called_by_name(sources, entry.at);
        }
    }
}

/// What a call at a position calls its function, if it has a name there.
fn called_by_name(sources: &Sources<'_>, at: Pos) -> Option<String> {
    let call = sources.span(at, Part::Whole)?;
    let node = node_of(&call.source, &call)?;
    if node.kind() != SyntaxKind::Apply {
        return None;
    }
    let function = node.first_child()?;
    let is_name = matches!(function.kind(), SyntaxKind::Variable | SyntaxKind::Select);
    let text = function.text().to_string();
    (is_name && !text.contains([' ', '\n', '$'])).then_some(text)
}

struct Teller<'t, 'e> {
    sources: &'t Sources<'e>,
    details: &'t Details,
}

impl Teller<'_, '_> {
    fn tell(&self, entries: Vec<Entry>) -> Story {
        let (reason, pos, used) = self.innermost(&entries);
        let owner = self.best_owner(pos, &entries);
        let mut story = Story {
            primary: None,
            labels: vec![],
            notes: vec![],
            suggestions: self.suggestions(pos),
            cycle: cycle::steps(self.sources, self.details),
            repeated: vec![],
            trace: vec![],
            entries: entries.clone(),
        };
        let place = self.sources.span(pos, self.part(reason.as_deref()));
        if let Some(span) = &place {
            story.labels = self.origins(span, reason.as_deref());
        }
        // What the library raises is seldom about the place that raised it.
        let is_own = pos.is_some() && self.sources.owners.of(pos) <= owner && owner < Owner::Library;
        let clues = match (
            pos.is_some() && self.sources.owners.of(pos) == Owner::User,
            self.details.kind,
        ) {
            (true, _) => vec![],
            (false, Kind::InfiniteRecursion) if owner == Owner::User => vec![],
            (false, Kind::InfiniteRecursion) => clues::derivations(self.sources, self.details),
            (false, _) => clues::find(self.sources, &self.details.message),
        };
        let has_clues = !clues.is_empty();
        let mut places = clues;
        // The callers in packages are of interest if nothing leads to the user's files.
        if !is_own && (!has_clues || owner == Owner::User) {
            let in_cycle = cycle::own_step(self.sources, self.details, owner);
            places.extend(in_cycle.or_else(|| self.blamed(&entries, owner)));
        }
        if let Some(span) = place {
            let text = reason.unwrap_or_default();
            // The place in the library comes last, and only when there is no other.
            if is_own || places.is_empty() {
                places.push(Label { span, text });
            }
        }
        if !is_own || has_clues {
            story.labels.retain(|label| self.is_shown(label, owner));
        }
        let mut places = places.into_iter();
        story.primary = places.next();
        let is_raised_elsewhere = match &story.primary {
            Some(primary) => pos.is_some() && primary.span.source.start != self.start_of_source(pos),
            None => false,
        };
        if is_raised_elsewhere {
            let place = self.sources.ev.show_position(pos);
            story.notes.push(format!("the error was raised at {place}"));
        }
        story.labels.splice(0..0, places);
        let mut rest = match self.details.cycle.and_then(|cycle| cycle.frames) {
            Some(length) => {
                let mut rest = trace::entries(self.sources.ev, &self.details.frames[length..]);
                name_calls(self.sources, &mut rest);
                rest
            }
            None => entries.get(used..).unwrap_or_default().to_vec(),
        };
        if let Some(call) = self.call_of_primary(&rest)
            && is_own
        {
            story.labels.push(call);
            rest.remove(0);
        }
        if self.details.kind == Kind::StackOverflow {
            let period = trace::period(&rest);
            story.repeated = rest.get(..period).unwrap_or_default().to_vec();
        }
        // The library's own frames only tell something if there are no others.
        let shown = match has_clues {
            true => owner.min(Owner::Packages),
            false => owner,
        };
        story.trace = trace::shorten(&self.sources.owners, rest, shown);
        story
    }

    /// Why the innermost place is looked at, if there is something to say; the place; how many entries that used up.
    fn innermost(&self, entries: &[Entry]) -> (Option<String>, Pos, usize) {
        let mut reason = None;
        let mut pos = self.details.pos;
        let mut used = 0;
        for entry in entries {
            let is_near = !entry.at.is_some() || !pos.is_some() || entry.at == pos;
            match &entry.what {
                What::Other(text) if is_near => {
                    reason.get_or_insert_with(|| text.clone());
                }
                What::Builtin(name) if is_near => {
                    if !matches!(*name, "throw" | "abort") {
                        reason.get_or_insert_with(|| entry.text());
                    }
                }
                _ => break,
            }
            if !pos.is_some() {
                pos = entry.at;
            }
            used += 1;
        }
        if !pos.is_some() {
            pos = entries
                .iter()
                .map(Entry::place)
                .find(|pos| pos.is_some())
                .unwrap_or(Pos::NONE);
        }
        (reason, pos, used)
    }

    fn best_owner(&self, pos: Pos, entries: &[Entry]) -> Owner {
        let cycle = cycle::places(self.details).into_iter().map(|(pos, _)| pos);
        let places = entries.iter().map(|entry| entry.at).chain([pos]).chain(cycle);
        let owners = places
            .filter(|pos| pos.is_some())
            .map(|pos| self.sources.owners.of(pos));
        owners.min().unwrap_or(Owner::Library)
    }

    fn start_of_source(&self, pos: Pos) -> Pos {
        let offset = self.sources.ev.offset(pos).unwrap_or(0);
        Pos(pos.0 - offset)
    }

    fn is_shown(&self, label: &Label, owner: Owner) -> bool {
        self.sources.owners.of(label.span.source.start) <= owner
    }

    /// The innermost place that is the user's.
    fn blamed(&self, entries: &[Entry], owner: Owner) -> Option<Label> {
        let is_own = |entry: &&Entry| entry.at.is_some() && self.sources.owners.of(entry.at) <= owner;
        // The library's own calls say nothing to the user.
        let entry = entries.iter().find(is_own).filter(|_| owner < Owner::Library)?;
        Some(Label {
            span: self.sources.span(entry.at, Part::Whole)?,
            text: match &entry.what {
                What::Call(Some(name)) => format!("in this call of '{name}'"),
                What::Call(None) => "in this call".to_owned(),
                What::Builtin(name) => format!("in this call of the builtin '{name}'"),
                What::Attribute(name) => format!("in the attribute '{name}'"),
                What::Remark(text) | What::Other(text) => text.clone(),
            },
        })
    }

    /// The call whose arguments do not fit the function that the error is about.
    fn call_of_primary(&self, entries: &[Entry]) -> Option<Label> {
        let first = entries.first()?;
        let is_bare = matches!(first.what, What::Call(None)) && !first.function.is_some();
        Some(Label {
            span: self.sources.span(first.at, Part::Whole).filter(|_| is_bare)?,
            text: "called here".to_owned(),
        })
    }

    /// Which expression at the position of the error is meant.
    fn part(&self, reason: Option<&str>) -> Part {
        match self.details.kind {
            Kind::UndefinedVariable | Kind::InfiniteRecursion => Part::Name,
            _ if reason == Some("while selecting an attribute") => Part::Selection,
            Kind::Eval if self.is_missing_attribute() => Part::Selection,
            _ => Part::Whole,
        }
    }

    fn is_missing_attribute(&self) -> bool {
        let message = &self.details.message;
        message.starts_with("attribute '") && message.ends_with("' missing")
    }

    /// Names that may have been meant: those the evaluator found, or variables like one that is not defined.
    fn suggestions(&self, pos: Pos) -> Vec<String> {
        let details = self.details;
        if details.kind != Kind::UndefinedVariable || !details.suggestions.is_empty() {
            return details.suggestions.clone();
        }
        let Some(span) = self.sources.span(pos, Part::Name) else {
            return vec![];
        };
        let mut names = scope::names(&span.source, span.range.start);
        let base = self.sources.ev.base_names();
        names.extend(base.into_iter().filter(|name| !name.starts_with("__")));
        names.sort();
        names.dedup();
        // Names of a letter or two are all alike.
        match span.text().len() {
            0..=2 => vec![],
            _ => best_matches(names.into_iter(), span.text()),
        }
    }

    /// Where the values come from that a place uses, for errors about values.
    fn origins(&self, place: &Span, reason: Option<&str>) -> Vec<Label> {
        if !matches!(self.details.kind, Kind::Type | Kind::Eval) {
            return vec![];
        }
        let mut labels: Vec<Label> = self.origin().into_iter().collect();
        for offset in self.operands(place, reason) {
            let Some(found) = scope::definition(&place.source, offset) else {
                continue;
            };
            let name = place.source.token(offset).map(|token| token.text().to_owned());
            let name = name.unwrap_or_default();
            labels.push(Label {
                span: found.span,
                text: match found.is_argument {
                    true => format!("'{name}' is this argument"),
                    false => format!("'{name}' is defined here"),
                },
            });
        }
        let mut shown: Vec<Label> = vec![];
        for label in labels {
            let overlaps = |other: &Span| {
                Rc::ptr_eq(&other.source, &label.span.source)
                    && other.range.start < label.span.range.end
                    && label.span.range.start < other.range.end
            };
            let clashes = overlaps(place) && label.span.range.start >= place.range.start;
            if !clashes && !shown.iter().any(|shown| overlaps(&shown.span)) {
                shown.push(label);
            }
        }
        shown
    }

    /// Where the value that was found comes from, as far as the evaluator knows.
    fn origin(&self) -> Option<Label> {
        let pos = self.details.origin;
        let span = self.sources.span(pos, Part::Name)?;
        let offset = span.range.start;
        let set = around(&span.source, offset, SyntaxKind::AttrSet);
        let lambda = self.sources.span(pos, Part::Whole)?;
        let is_lambda =
            around(&span.source, offset, SyntaxKind::Lambda).is_some_and(|node| range(&node).start == offset);
        Some(match set.filter(|_| !is_lambda) {
            Some(set) => Label {
                span: Span {
                    source: span.source,
                    range: range(&set),
                },
                text: "the set is made here".to_owned(),
            },
            None => Label {
                span: lambda,
                text: "the function starts here".to_owned(),
            },
        })
    }

    /// The variables in a place whose values are at fault.
    fn operands(&self, place: &Span, reason: Option<&str>) -> Vec<usize> {
        let Some(node) = node_of(&place.source, place) else {
            return vec![];
        };
        let parts: Vec<SyntaxNode> = node.children().collect();
        let chosen: Vec<&SyntaxNode> = match node.kind() {
            SyntaxKind::Variable => vec![&node],
            SyntaxKind::Apply if self.details.message.starts_with("attempt to call") => {
                parts.first().into_iter().collect()
            }
            SyntaxKind::Apply => {
                let argument = reason.and_then(ordinal).and_then(|i| parts.get(i));
                argument.into_iter().collect()
            }
            SyntaxKind::Binary => parts.iter().collect(),
            SyntaxKind::Select | SyntaxKind::Unary | SyntaxKind::IfElse | SyntaxKind::AssertExpr => {
                parts.first().into_iter().collect()
            }
            _ => vec![],
        };
        chosen.into_iter().filter_map(variable).collect()
    }
}

/// The node that a span is.
fn node_of(source: &Source, span: &Span) -> Option<SyntaxNode> {
    let token = source.token(span.range.start)?;
    token.parent()?.ancestors().find(|node| range(node) == span.range)
}

/// Where the variable starts that an expression is, parentheses aside.
fn variable(node: &SyntaxNode) -> Option<usize> {
    match node.kind() {
        SyntaxKind::Variable => Some(range(node).start),
        SyntaxKind::Paren => variable(&node.first_child()?),
        _ => None,
    }
}

/// Which argument a sentence is about: `while evaluating the second argument passed to …`.
fn ordinal(text: &str) -> Option<usize> {
    let ordinals = ["first", "second", "third", "fourth"];
    let found = |word: &&str| text.contains(&format!("the {word} argument"));
    ordinals.iter().position(found).map(|i| i + 1)
}
