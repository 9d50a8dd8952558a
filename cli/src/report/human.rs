//! Errors for people: the message, a picture of the place, what may help, and a short trace.

use super::cycle::Step;
use super::source::{Sources, Span};
use super::story::{Label, Story, tell};
use super::trace::{Line, What};
use super::{Style, layout, one_of};
use codespan_reporting::diagnostic::{Diagnostic, Label as Mark};
use codespan_reporting::files::SimpleFiles;
use codespan_reporting::term::{self, Config, Styles, StylesWriter, termcolor};
use nivis_eval::error::{Error, Kind};
use nivis_eval::evaluator::Evaluator;
use std::ops::Range;

/// Of a place with more lines only the first is marked.
const MAX_MARKED_LINES: usize = 4;

/// The error as people see it.
pub(super) fn render(sources: &Sources<'_>, error: &Error, style: Style) -> String {
    let ev = sources.ev;
    let story = tell(sources, error);
    let details = error.details();
    let mut text = details.message.clone();
    let mut notes = story.notes.clone();
    if !story.suggestions.is_empty() {
        notes.insert(0, format!("Did you mean {}?", one_of(&story.suggestions, style)));
    }
    match story
        .primary
        .as_ref()
        .and_then(|primary| picture(primary, &story.labels, &notes, style))
    {
        Some(picture) => text = layout(&text, style) + "\n" + &picture,
        None => {
            let place = ev.place(details.pos).map(|place| place.to_string());
            for line in place.into_iter().chain(notes) {
                text.push_str(&format!("\n{line}"));
            }
            text = layout(&text, style);
        }
    }
    for block in blocks(ev, &story, details.kind) {
        text.push_str("\n\n");
        text.push_str(&block);
    }
    let folded = story.trace.iter().any(|line| matches!(line, Line::Folded(..)));
    if folded {
        let frames = story.entries.len();
        text.push_str(&format!("\n(use '--show-trace' to show all {frames} frames)"));
    }
    text
}

/// What the reference's layout does not show, to stand below it.
pub(super) fn appendix(sources: &Sources<'_>, error: &Error) -> String {
    let ev = sources.ev;
    let details = error.details();
    if details.frames.is_empty() && details.cycle.is_none() {
        return String::new();
    }
    let story = tell(sources, error);
    let mut parts = blocks(ev, &story, details.kind);
    let is_elsewhere = story
        .primary
        .as_ref()
        .filter(|label| !label.span.position().eq(&ev.show_position(details.pos)));
    let names_function = |line: &Line| match line {
        Line::Entry(entry, _) => matches!(entry.what, What::Call(Some(_))),
        Line::Folded(..) => false,
    };
    let is_telling = !story.cycle.is_empty()
        || !story.repeated.is_empty()
        || !story.notes.is_empty()
        || details.kind == Kind::Interrupted
        || story.trace.iter().any(names_function);
    if !is_telling {
        return String::new();
    }
    if let Some(label) = is_elsewhere.filter(|_| !story.notes.is_empty()) {
        parts.insert(0, format!("look at {}: {}", label.span.position(), label.text));
    }
    let mut text = String::new();
    for part in parts {
        text.push('\n');
        for line in part.lines() {
            text.push_str(format!("\n       {line}").trim_end());
        }
    }
    text
}

/// The circle of an infinite recursion, calls that repeat, the trace.
fn blocks(ev: &Evaluator, story: &Story, kind: Kind) -> Vec<String> {
    let mut blocks = vec![];
    if !story.cycle.is_empty() {
        let mut text = "these values need one another:".to_owned();
        for (i, step) in story.cycle.iter().enumerate() {
            let arrow = if i == 0 { "  " } else { "→ " };
            text.push_str(&match step {
                Step::Value { name, pos } => format!("\n  {arrow}{name} at {}", ev.show_position(*pos)),
                Step::Folded(count) => format!("\n  {arrow}… {count} more"),
            });
        }
        text.push_str("\n  → the first again");
        blocks.push(text);
    }
    if !story.repeated.is_empty() {
        let mut text = "these calls repeat, innermost first:".to_owned();
        for entry in &story.repeated {
            text.push_str(&format!("\n    {}", entry.line(ev)));
        }
        blocks.push(text);
    } else if story.trace.iter().any(|line| matches!(line, Line::Entry(..))) {
        let mut text = match kind {
            Kind::Interrupted => "it was, innermost first:".to_owned(),
            _ => "trace, innermost first:".to_owned(),
        };
        for line in &story.trace {
            text.push_str(&format!("\n    {}", line.text(ev)));
        }
        blocks.push(text);
    }
    blocks
}

/// The places as one picture of their sources.
fn picture(primary: &Label, others: &[Label], notes: &[String], style: Style) -> Option<String> {
    let mut files = SimpleFiles::new();
    let mut known: Vec<(String, usize)> = vec![];
    let mut file = |span: &Span| {
        let name = &span.source.name;
        match known.iter().find(|(known, _)| known == name) {
            Some((_, id)) => *id,
            None => {
                let id = files.add(name.clone(), span.source.text.clone());
                known.push((name.clone(), id));
                id
            }
        }
    };
    let id = file(&primary.span);
    let mut marks = vec![Mark::primary(id, marked(&primary.span)).with_message(&primary.text)];
    for label in others {
        marks.push(Mark::secondary(file(&label.span), marked(&label.span)).with_message(&label.text));
    }
    let diagnostic = Diagnostic::error().with_labels(marks).with_notes(notes.to_vec());
    let mut buffer = match style.colour {
        true => termcolor::Buffer::ansi(),
        false => termcolor::Buffer::no_color(),
    };
    let styles = Styles::default();
    let mut writer = StylesWriter::new(&mut buffer, &styles);
    term::emit_to_write_style(&mut writer, &Config::default(), &files, &diagnostic).ok()?;
    let text = String::from_utf8(buffer.into_inner()).ok()?;
    // The first line is the message, which stands above already.
    let (_, picture) = text.split_once('\n')?;
    Some(picture.trim_end().to_owned())
}

/// What to mark of a place.
fn marked(span: &Span) -> Range<usize> {
    let text = span.text();
    let mut range = span.range.clone();
    if text.lines().count() > MAX_MARKED_LINES {
        range.end = range.start + text.lines().next().unwrap_or_default().trim_end().len();
    }
    range
}
