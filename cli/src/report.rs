//! Errors as users see them.
//!
//! People at a terminal get what the error is about as a picture of the source, and a short trace (`human`). Others get
//! the reference's layout, which scripts know to read (`reference`), and below it what the short trace adds. Programs
//! can have JSON.

mod clues;
mod cycle;
mod human;
mod json;
mod library;
mod reference;
mod scope;
mod source;
mod story;
mod syntax;
mod trace;

use nivis_eval::error::Error;

pub(crate) use json::{
    internal as internal_json, internal_plain as internal_json_plain, message as json_message,
};
pub(crate) use source::Sources;

/// How errors are laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Layout {
    /// What people read: as `human` at a terminal, and otherwise as `reference` with what helps below.
    #[default]
    Auto,
    /// The place as a picture, and a short trace.
    Human,
    /// To the byte as C++ Nix shows it.
    Reference,
    /// A line of JSON.
    Json,
}

impl Layout {
    /// The layout of a name.
    pub(crate) fn parse(name: &str) -> Option<Layout> {
        Some(match name {
            "auto" => Layout::Auto,
            "human" => Layout::Human,
            "reference" => Layout::Reference,
            "json" => Layout::Json,
            _ => return None,
        })
    }
}

/// How errors are shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    /// `--show-trace`
    pub(crate) show_trace: bool,
    /// `--error-format`
    pub(crate) layout: Layout,
    /// Whether to use colours.
    pub(crate) colour: bool,
    /// Whether a person reads it, and not a program that expects the reference's layout.
    pub(crate) rich: bool,
}

impl Style {
    fn paint(self, code: &'static str) -> &'static str {
        if self.colour { code } else { "" }
    }

    /// Red, blue, magenta and back to normal.
    fn colours(self) -> (&'static str, &'static str, &'static str, &'static str) {
        (
            self.paint("\x1b[31;1m"),
            self.paint("\x1b[34;1m"),
            self.magenta(),
            self.normal(),
        )
    }

    fn magenta(self) -> &'static str {
        self.paint("\x1b[35;1m")
    }

    fn normal(self) -> &'static str {
        self.paint("\x1b[0m")
    }
}

/// An error without positions.
pub(crate) fn plain(message: &str, style: Style) -> String {
    layout(&format!("{message}\n"), style)
}

/// An evaluation error.
pub(crate) fn error(sources: &Sources<'_>, error: &Error, style: Style) -> String {
    let ev = sources.ev;
    let is_syntax = !error.details().hints.is_empty() && error.details().frames.is_empty();
    let human = match style.layout {
        Layout::Json => return json::error(sources, error),
        Layout::Reference => return reference::render(ev, error, style),
        // All frames are for those who know the reference's words.
        Layout::Human | Layout::Auto if style.show_trace && !is_syntax => {
            return reference::render(ev, error, style);
        }
        Layout::Human => true,
        Layout::Auto => style.rich,
    };
    match human {
        true if is_syntax => syntax::render(ev, error, style.colour),
        true => Some(human::render(sources, error, style)),
        false if is_syntax => None,
        false => {
            let text = reference::render(ev, error, style);
            Some(text + &human::appendix(sources, error))
        }
    }
    .unwrap_or_else(|| reference::render(ev, error, style))
}

fn prefix(style: Style) -> String {
    let (red, _, _, normal) = style.colours();
    format!("{red}error:{normal} ")
}

/// Puts `error:` before the first line and indents the others by as much.
fn layout(text: &str, style: Style) -> String {
    let mut out = String::new();
    for (i, line) in text.trim_end().split('\n').enumerate() {
        if i == 0 {
            out.push_str(format!("{}{line}", prefix(style)).trim_end());
        } else {
            out.push('\n');
            out.push_str(format!("       {line}").trim_end());
        }
    }
    expand_tabs(&out)
}

/// Tabs as blanks, so that marks below source lines stand where they should; without carriage returns and bells.
fn expand_tabs(text: &str) -> String {
    if !text.contains(['\t', '\r', '\x07']) {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' => loop {
                out.push(' ');
                column += 1;
                if column % 8 == 0 {
                    break;
                }
            },
            '\r' | '\x07' => {}
            c => {
                column += usize::from(c != '\n');
                out.push(c);
            }
        }
    }
    out
}

fn one_of(names: &[String], style: Style) -> String {
    let painted: Vec<String> = names
        .iter()
        .map(|name| format!("{}{name}{}", style.magenta(), style.normal()))
        .collect();
    match painted.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("one of {} or {last}", rest.join(", ")),
    }
}

/// A warning; further lines are indented below the first.
pub(crate) fn warning(text: &str, style: Style) -> String {
    let (kind, text) = match text.strip_prefix("evaluation warning: ") {
        Some(text) => ("evaluation warning:", text),
        None => ("warning:", text),
    };
    let blanks = " ".repeat(kind.len() + 1);
    let lines = text.trim_end().split('\n').enumerate();
    let lines = lines.map(|(i, line)| match i {
        0 => line.trim_end().to_owned(),
        _ => format!("{blanks}{line}").trim_end().to_owned(),
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    expand_tabs(&format!("{}{kind}{} {text}", style.magenta(), style.normal()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_lines_are_indented() {
        let style = Style::default();
        assert_eq!(plain("a\nb", style), "error: a\n       b");
        assert_eq!(warning("a\n\nb\n", style), "warning: a\n\n         b");
        assert_eq!(warning("evaluation warning: a", style), "evaluation warning: a");
    }

    #[test]
    fn tabs_become_blanks() {
        assert_eq!(expand_tabs("ab\tc\r\td"), "ab      c       d");
    }

    #[test]
    fn suggestions_are_listed() {
        let names = |names: &[&str]| {
            one_of(
                &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(),
                Style::default(),
            )
        };
        assert_eq!(names(&["a"]), "a");
        assert_eq!(names(&["a", "b", "c"]), "one of a, b or c");
    }
}
