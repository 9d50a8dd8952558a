//! The reference's layout: frames from the outermost in, then the error itself.

use super::{Style, layout, one_of, prefix};
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

/// An error with its trace.
pub(super) fn render(ev: &Evaluator, error: &Error, style: Style) -> String {
    let details = error.details();
    let mut report = Report {
        ev,
        style,
        text: String::new(),
        count: 0,
    };
    report.frames(&details.frames);
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

/// A frame in the reference's words.
pub(super) fn frame_text(ev: &Evaluator, text: &FrameText) -> String {
    match text {
        FrameText::Static(text) => (*text).to_owned(),
        FrameText::Owned(text) => text.to_string(),
        FrameText::Calling(None) => "while calling anonymous lambda".to_owned(),
        FrameText::Calling(Some(name)) => format!("while calling '{}'", ev.name(*name)),
        FrameText::Builtin(name) => format!("while calling the '{name}' builtin"),
        FrameText::Attribute(name) => {
            format!("while evaluating the attribute '{}'", ev.name_in_message(*name))
        }
        FrameText::Needed => String::new(),
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
            if matches!(frame.text, FrameText::Needed) {
                continue;
            }
            let is_call = matches!(frame.text, FrameText::Calling(_));
            let is_site = after_call && matches!(frame.text, FrameText::Static("from call site"));
            after_call = is_call;
            if self.style.show_trace || !(is_call || is_site) {
                shown.push((frame, frame_text(self.ev, &frame.text)));
            }
        }
        shown
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
