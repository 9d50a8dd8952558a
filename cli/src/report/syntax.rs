//! Syntax errors for people at a terminal: all places that explain the error, in one picture of the source.
//!
//! Programs get the reference's layout, which they know to read.

use codespan_reporting::diagnostic::{Diagnostic, Label};
use codespan_reporting::files::SimpleFile;
use codespan_reporting::term::{self, Config, Styles, StylesWriter, termcolor};
use nivis_eval::error::Error;
use nivis_eval::evaluator::Evaluator;
use nivis_lang::position::Pos;
use std::ops::Range;

/// The picture; `None` if there is no text to draw.
pub(super) fn render(ev: &Evaluator, error: &Error, colour: bool) -> Option<String> {
    let details = error.details();
    let source = String::from_utf8(ev.source(details.pos)?).ok()?;
    let place = ev.place(details.pos)?;
    let name = place
        .position
        .trim_end_matches(|c: char| c == ':' || c.is_ascii_digit());
    let range = |pos| range_at(ev, &source, pos);
    let mut labels = vec![];
    let mut notes = vec![];
    for hint in &details.hints {
        match hint.pos {
            Some(pos) if labels.is_empty() => {
                labels.push(Label::primary((), range(pos)?).with_message(&hint.message));
            }
            Some(pos) => labels.push(Label::secondary((), range(pos)?).with_message(&hint.message)),
            None => notes.push(format!("hint: {}", hint.message)),
        }
    }
    if labels.is_empty() {
        labels.push(Label::primary((), range(details.pos)?));
    }
    let diagnostic = Diagnostic::error()
        .with_message(&details.message)
        .with_labels(labels)
        .with_notes(notes);
    let file = SimpleFile::new(name, &source);
    let mut buffer = match colour {
        true => termcolor::Buffer::ansi(),
        false => termcolor::Buffer::no_color(),
    };
    let styles = Styles::default();
    let mut writer = StylesWriter::new(&mut buffer, &styles);
    term::emit_to_write_style(&mut writer, &Config::default(), &file, &diagnostic).ok()?;
    let text = String::from_utf8(buffer.into_inner()).ok()?;
    Some(text.trim_end().to_owned())
}

/// The character at a position, or the end of the text.
fn range_at(ev: &Evaluator, source: &str, pos: Pos) -> Option<Range<usize>> {
    let start = ev.offset(pos)? as usize;
    let length = source.get(start..)?.chars().next().map_or(0, char::len_utf8);
    Some(start..start + length)
}
