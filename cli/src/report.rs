//! Errors as users see them, in the reference's layout: frames from the outermost in, then the error itself.

mod syntax;

use nivis_eval::error::{Error, Frame, FrameText};
use nivis_eval::evaluator::Evaluator;
use nivis_lang::position::Pos;
use std::collections::HashSet;
use std::fmt::Write;

const TRUNCATED: &str = "(stack trace truncated; use '--show-trace' to show the full, detailed trace)";
/// More repeated frames in a row than this are only counted.
const MAX_REPEATED_SHOWN: usize = 5;
/// Short traces stop when they have shown so much; a position counts as much as a frame.
const SHORT_TRACE: usize = 3;

/// How errors are shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Style {
    /// `--show-trace`
    pub(crate) show_trace: bool,
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
pub(crate) fn error(ev: &Evaluator, error: &Error, style: Style) -> String {
    let details = error.details();
    let mut report = Report {
        ev,
        style,
        text: String::new(),
        count: 0,
    };
    report.frames(&details.frames);
    if style.rich
        && !details.hints.is_empty()
        && details.frames.is_empty()
        && let Some(text) = syntax::render(ev, error, style.colour)
    {
        return text;
    }
    let _ = writeln!(report.text, "{}", details.message);
    report.position("", details.pos);
    if !details.suggestions.is_empty() {
        let _ = writeln!(
            report.text,
            "Did you mean {}?",
            one_of(&details.suggestions, style)
        );
    }
    layout(&report.text, style)
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

struct Report<'e> {
    ev: &'e Evaluator,
    style: Style,
    text: String,
    /// How much of a short trace was used up.
    count: usize,
}

impl Report<'_> {
    /// All frames, outermost first, and the `error:` that follows them.
    fn frames(&mut self, frames: &[Frame]) {
        let shown = self.shown_frames(frames);
        if shown.is_empty() {
            return;
        }
        let mut seen: HashSet<(Pos, String)> = HashSet::new();
        let mut repeated: Vec<(&Frame, String)> = vec![];
        let mut truncated = false;
        for (frame, text) in shown.into_iter().rev() {
            if text.is_empty() {
                continue;
            }
            truncated |= !self.style.show_trace && self.count > SHORT_TRACE;
            if truncated && !frame.always {
                continue;
            }
            if !seen.insert((frame.pos, text.clone())) {
                repeated.push((frame, text));
                continue;
            }
            self.repeated(&mut repeated);
            self.count += 1;
            self.frame(frame, &text);
        }
        self.repeated(&mut repeated);
        if truncated {
            let (magenta, normal) = (self.style.magenta(), self.style.normal());
            let _ = writeln!(self.text, "\n{magenta}{TRUNCATED}{normal}");
        }
        let _ = write!(self.text, "\n{}", prefix(self.style));
    }

    /// The frames to show with their texts, innermost first. Calls of lambdas belong to full traces only.
    fn shown_frames<'f>(&self, frames: &'f [Frame]) -> Vec<(&'f Frame, String)> {
        let mut shown = vec![];
        let mut after_call = false;
        for frame in frames {
            let is_call = matches!(frame.text, FrameText::Calling(_));
            let is_site = after_call && matches!(frame.text, FrameText::Static("from call site"));
            after_call = is_call;
            if self.style.show_trace || !(is_call || is_site) {
                shown.push((frame, self.frame_text(&frame.text)));
            }
        }
        shown
    }

    fn frame_text(&self, text: &FrameText) -> String {
        match text {
            FrameText::Static(text) => (*text).to_owned(),
            FrameText::Owned(text) => text.to_string(),
            FrameText::Calling(None) => "while calling anonymous lambda".to_owned(),
            FrameText::Calling(Some(name)) => format!("while calling '{}'", self.ev.name(*name)),
            FrameText::Builtin(name) => format!("while calling the '{name}' builtin"),
            FrameText::Attribute(name) => format!(
                "while evaluating the attribute '{}'",
                self.ev.name_in_message(*name)
            ),
        }
    }

    fn frame(&mut self, frame: &Frame, text: &str) {
        let _ = writeln!(self.text, "\n… {text}");
        if self.position("  ", frame.pos) {
            self.count += 1;
        }
    }

    fn repeated(&mut self, frames: &mut Vec<(&Frame, String)>) {
        if frames.len() > MAX_REPEATED_SHOWN {
            let (magenta, normal) = (self.style.magenta(), self.style.normal());
            let _ = writeln!(
                self.text,
                "\n{magenta}({} duplicate frames omitted){normal}",
                frames.len()
            );
            frames.clear();
        }
        for (frame, text) in frames.drain(..) {
            self.frame(frame, &text);
        }
    }

    /// `at file:line:column:` and the line with its neighbours; whether there is a position.
    fn position(&mut self, indent: &str, pos: Pos) -> bool {
        let Some(place) = self.ev.place(pos) else {
            return false;
        };
        let (red, blue, magenta, normal) = self.style.colours();
        let _ = write!(self.text, "{indent}{blue}at {magenta}{}{normal}:", place.position);
        let _ = place.write_lines(&mut self.text, &format!("{red}^{normal}"));
        self.text.push('\n');
        true
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
