//! Reading TOML 1.0.
//!
//! Written by hand rather than taken from a crate because those read TOML 1.1 by now, which the reference rejects,
//! and because the first line of its messages is what users and tests see.
//!
//! * `parse` reads the text, `scalar` the values that don't nest, `tree` holds the document and the rules about what
//!   may be defined where.

mod parse;
mod scalar;
mod tree;

use crate::document::Events;
use tree::{Node, NodeId, Tree, Value};

/// Deeper nesting is an error, so that it can't exhaust the stack.
const MAX_DEPTH: usize = 2000;

/// Why reading ended early.
#[derive(Debug)]
pub(crate) enum TomlError<E> {
    /// The text isn't TOML, or uses what isn't supported.
    Syntax(String),
    /// The receiver gave up.
    Visitor(E),
}

impl<E> From<E> for TomlError<E> {
    fn from(error: E) -> TomlError<E> {
        TomlError::Visitor(error)
    }
}

/// Reads a document and reports what is in it. Dates and times become sets when `timestamps` is on, else they are an
/// error.
pub(crate) fn read_toml<V: Events>(
    text: &[u8],
    timestamps: bool,
    receiver: &mut V,
) -> Result<(), TomlError<V::Error>> {
    let tree = parse::parse(text).map_err(|problem| TomlError::Syntax(problem.render(text)))?;
    report(&tree, tree.root, timestamps, receiver)
}

fn report<V: Events>(
    tree: &Tree<'_>,
    node: NodeId,
    timestamps: bool,
    receiver: &mut V,
) -> Result<(), TomlError<V::Error>> {
    match &tree.nodes[node] {
        Node {
            value: Value::Table { entries, .. },
            ..
        } => {
            receiver.begin_object()?;
            for (key, &value) in entries {
                receiver.key(key)?;
                report(tree, value, timestamps, receiver)?;
            }
            receiver.end_object()?;
        }
        Node {
            value: Value::Array { elements, .. },
            ..
        } => {
            receiver.begin_list()?;
            for &element in elements {
                report(tree, element, timestamps, receiver)?;
            }
            receiver.end_list()?;
        }
        Node {
            value: Value::Bool(value),
            ..
        } => receiver.bool(*value)?,
        Node {
            value: Value::Int(value),
            ..
        } => receiver.int(*value)?,
        Node {
            value: Value::Float(value),
            ..
        } => receiver.float(*value)?,
        Node {
            value: Value::String(value),
            ..
        } => receiver.string(value)?,
        Node {
            value: Value::Timestamp(text),
            ..
        } if timestamps => {
            receiver.begin_object()?;
            receiver.key(b"_type")?;
            receiver.string(b"timestamp")?;
            receiver.key(b"value")?;
            receiver.string(text.as_bytes())?;
            receiver.end_object()?;
        }
        Node {
            value: Value::Timestamp(_),
            ..
        } => {
            return Err(TomlError::Syntax("Dates and times are not supported".to_owned()));
        }
    }
    Ok(())
}

/// A part of the text.
#[derive(Clone, Copy, Debug)]
struct Region {
    start: usize,
    end: usize,
}

impl Region {
    fn at(start: usize) -> Region {
        Region {
            start,
            end: start + 1,
        }
    }
}

/// What is wrong with the text, and where.
#[derive(Debug)]
struct Problem {
    title: String,
    places: Vec<(Region, &'static str)>,
    hint: &'static str,
}

impl Problem {
    fn new(title: impl Into<String>, place: Region, label: &'static str) -> Box<Problem> {
        Box::new(Problem {
            title: title.into(),
            places: vec![(place, label)],
            hint: "",
        })
    }

    fn and(mut self: Box<Self>, place: Region, label: &'static str) -> Box<Problem> {
        self.places.push((place, label));
        self
    }

    fn hint(mut self: Box<Self>, hint: &'static str) -> Box<Problem> {
        self.hint = hint;
        self
    }

    /// The message: title, and the lines concerned with the places marked.
    fn render(&self, text: &[u8]) -> String {
        let mut message = format!("[error] {}\n --> fromTOML\n", self.title);
        let places = self
            .places
            .iter()
            .map(|&(region, label)| Line::of(text, region, label));
        let places: Vec<_> = places.collect();
        let width = places
            .iter()
            .map(|line| line.number.to_string().len())
            .max()
            .unwrap_or(1);
        for (i, line) in places.iter().enumerate() {
            if i > 0 {
                message += &format!(" {:width$} | ...\n", "");
            }
            message += &format!(" {:width$} |\n", "");
            message += &format!(" {:width$} | {}\n", line.number, line.text);
            let indent = " ".repeat(line.column);
            let marks = "^".repeat(line.length);
            message += &format!(" {:width$} | {indent}{marks}-- {}\n", "", line.label);
        }
        message += self.hint;
        message
    }
}

/// A line of the text with a part to mark.
struct Line {
    number: usize,
    text: String,
    column: usize,
    length: usize,
    label: &'static str,
}

impl Line {
    fn of(text: &[u8], region: Region, label: &'static str) -> Line {
        let start = region.start.min(text.len());
        let line_start = memchr::memrchr(b'\n', &text[..start]).map_or(0, |newline| newline + 1);
        let line_end = memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |length| start + length);
        Line {
            number: memchr::memchr_iter(b'\n', &text[..start]).count() + 1,
            text: String::from_utf8_lossy(&text[line_start..line_end]).into_owned(),
            column: start - line_start,
            length: region.end.min(line_end).saturating_sub(start).max(1),
            label,
        }
    }
}

/// What parsing gives.
type Parsed<T> = Result<T, Box<Problem>>;

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        match parse::parse(text.as_bytes()) {
            Ok(_) => "accepted".to_owned(),
            Err(problem) => problem.title,
        }
    }

    #[test]
    fn problems_are_shown_in_their_lines() {
        let text = b"a=1\nb=1.e1";
        let problem = parse::parse(text).unwrap_err();
        assert_eq!(
            problem.render(text),
            "[error] bad float: invalid format\n --> fromTOML\n   |\n 2 | b=1.e1\n   |    ^-- here\n\
             Hint: valid  : +1.0, -2e-2, 3.141_592_653_589, inf, nan\n\
             Hint: invalid: .0, 1., _1.0, 1.0_, 1_.0, 1.0__0\n"
        );
    }

    #[test]
    fn newer_syntax_is_refused() {
        for text in ["a={b=1,}", "a={\nb=1}", "a=\"\\e\"", "a=\"\\x41\"", "a=07:32"] {
            assert_ne!(error(text), "accepted", "{text}");
        }
    }

    #[test]
    fn definitions() {
        assert_eq!(error("[a.b]\n[a]\nc=1\n[[q]]\n[[q]]\n[q.r]"), "accepted");
        assert!(error("[a]\n[a]").ends_with("table already defined"));
        assert!(error("a.b=1\n[a]").ends_with("table already defined"));
        assert!(error("[a.b]\n[a]\nb.c=1").ends_with("reopening a table using dotted keys"));
        assert!(error("a={}\na.b=1").ends_with("inline table is immutable"));
        assert!(error("a=[{}]\n[[a]]").ends_with("inline array of tables is immutable"));
    }

    #[test]
    fn nesting_is_limited() {
        assert!(error(&format!("a={}", "[".repeat(100_000))).contains("nested too deeply"));
        assert!(error(&format!("a={}", "{a=".repeat(100_000))).contains("nested too deeply"));
    }
}
