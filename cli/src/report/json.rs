//! Errors for programs: `--error-format json`, and the reference's `--log-format internal-json`.

use super::cycle::Step;
use super::library::Owner;
use super::reference::{self, frame_text};
use super::source::{Sources, Span};
use super::story::{Label, tell};
use super::trace::What;
use super::{Layout, Style};
use nivis_eval::error::{Error, FrameText, Kind};
use nivis_eval::evaluator::Evaluator;
use nivis_lang::position::Pos;
use serde_json::{Value, json};

/// Changes when a member changes its meaning.
const VERSION: u32 = 1;

/// An error without positions.
pub(crate) fn message(kind: &str, message: &str) -> String {
    json!({ "version": VERSION, "level": "error", "kind": kind, "message": message }).to_string()
}

/// An evaluation error.
pub(super) fn error(sources: &Sources<'_>, error: &Error) -> String {
    let ev = sources.ev;
    let story = tell(sources, error);
    let details = error.details();
    let frames = story.entries.chunk_by(|a, b| a == b).map(|same| {
        let entry = &same[0];
        let (kind, name) = match &entry.what {
            What::Call(name) => ("call", name.clone()),
            What::Builtin(name) => ("builtin", Some((*name).to_owned())),
            What::Attribute(name) => ("attribute", Some(name.clone())),
            What::Remark(_) => ("context", None),
            What::Other(_) => ("other", None),
        };
        json!({
            "kind": kind,
            "name": name,
            "text": entry.text(),
            "at": position(ev, entry.at),
            "function": position(ev, entry.function),
            "owner": owner(sources.owners.of(entry.place())),
            "times": same.len(),
        })
    });
    let cycle = story.cycle.iter().map(|step| match step {
        Step::Value { name, pos } => json!({ "value": name, "at": position(ev, *pos) }),
        Step::Folded(count) => json!({ "omitted": count }),
    });
    let mut hints: Vec<Value> = story
        .notes
        .iter()
        .map(|note| json!({ "text": note, "at": null }))
        .collect();
    hints.extend(details.hints.iter().map(|hint| {
        let at = hint.pos.unwrap_or(Pos::NONE);
        json!({ "text": hint.message, "at": position(ev, at) })
    }));
    json!({
        "version": VERSION,
        "level": "error",
        "kind": kind(details.kind),
        "message": details.message,
        "position": position(ev, details.pos),
        "primary": story.primary.as_ref().map(label),
        "labels": story.labels.iter().map(label).collect::<Vec<_>>(),
        "suggestions": story.suggestions,
        "hints": hints,
        "cycle": cycle.collect::<Vec<_>>(),
        "frames": frames.collect::<Vec<_>>(),
    })
    .to_string()
}

fn owner(owner: Owner) -> &'static str {
    match owner {
        Owner::User => "user",
        Owner::Packages => "packages",
        Owner::Library => "library",
    }
}

fn label(label: &Label) -> Value {
    json!({ "span": span(&label.span), "text": label.text })
}

fn span(span: &Span) -> Value {
    let place = |(line, column), offset| json!({ "line": line, "column": column, "offset": offset });
    json!({
        "file": span.source.name,
        "start": place(span.start(), span.range.start),
        "end": place(span.end(), span.range.end),
    })
}

fn position(ev: &Evaluator, pos: Pos) -> Value {
    match ev.locate(pos) {
        None => Value::Null,
        Some(location) => {
            let position = ev.show_position(pos);
            json!({
                "file": super::source::without_numbers(&position),
                "line": location.line,
                "column": location.column,
            })
        }
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Thrown => "throw",
        Kind::Assertion => "assertion",
        Kind::Abort => "abort",
        Kind::Type => "type",
        Kind::Eval => "evaluation",
        Kind::UndefinedVariable => "undefined-variable",
        Kind::MissingArgument => "missing-argument",
        Kind::InfiniteRecursion => "infinite-recursion",
        Kind::StackOverflow => "stack-overflow",
        Kind::Syntax => "syntax",
        Kind::File => "file",
        Kind::Restricted => "restricted",
        Kind::Store => "store",
        Kind::ImportFromDerivation => "import-from-derivation",
        Kind::Interrupted => "interrupted",
        Kind::Usage => "usage",
    }
}

/// An evaluation error as a message of `--log-format internal-json`, with the members that the reference gives it.
pub(crate) fn internal(sources: &Sources<'_>, error: &Error, style: Style) -> Value {
    let ev = sources.ev;
    let details = error.details();
    let style = Style {
        layout: Layout::Reference,
        ..style
    };
    let mut message = json!({
        "action": "msg",
        "level": 0,
        "msg": reference::render(ev, error, style),
        "raw_msg": details.message,
    });
    place(&mut message, ev, details.pos, Value::Null);
    let frames = details
        .frames
        .iter()
        .filter(|frame| !matches!(frame.text, FrameText::Needed));
    if style.show_trace && !details.frames.is_empty() {
        let trace = frames.map(|frame| {
            let mut value = json!({ "raw_msg": frame_text(ev, &frame.text) });
            place(&mut value, ev, frame.pos, json!(0));
            value
        });
        message["trace"] = trace.collect();
    }
    message
}

/// The same for an error without positions.
pub(crate) fn internal_plain(message: &str, style: Style) -> Value {
    json!({
        "action": "msg",
        "column": null,
        "file": null,
        "level": 0,
        "line": null,
        "msg": super::plain(message, style),
        "raw_msg": message,
    })
}

/// Adds `file`, `line` and `column`; the reference writes the whole position as the file.
fn place(message: &mut Value, ev: &Evaluator, pos: Pos, none: Value) {
    let location = ev.locate(pos);
    let number = |number: Option<u32>| number.map_or(none.clone(), |number| json!(number));
    message["line"] = number(location.as_ref().map(|location| location.line));
    message["column"] = number(location.as_ref().map(|location| location.column));
    message["file"] = match (&location, none.is_null()) {
        (Some(_), _) => json!(ev.show_position(pos)),
        (None, true) => Value::Null,
        (None, false) => json!("«none»:0"),
    };
}
