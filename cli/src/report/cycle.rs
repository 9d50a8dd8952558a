//! Infinite recursion: the values that need one another, in a circle.

use super::library::Owner;
use super::source::{Part, Source, Sources, Span};
use super::story::Label;
use nivis_eval::error::{Details, FrameText};
use nivis_lang::kind::SyntaxKind;
use nivis_lang::position::Pos;

/// So many steps are shown, at the most.
const SHOWN: usize = 12;

/// A step of an infinite recursion.
pub(super) enum Step {
    /// A value.
    Value {
        /// Its name, or what is known of it.
        name: String,
        /// Where it is needed or defined.
        pos: Pos,
    },
    /// So many values that are not shown.
    Folded(usize),
}

/// The places of the steps, from the value that needs itself back to it, and what is there, if the error says.
pub(super) fn places(details: &Details) -> Vec<(Pos, Option<String>)> {
    let Some(length) = details.cycle.and_then(|cycle| cycle.frames) else {
        return vec![];
    };
    let frames = details.frames.get(..length).unwrap_or_default();
    let mut places: Vec<(Pos, Option<String>)> = frames
        .iter()
        .rev()
        .filter_map(|frame| match &frame.text {
            FrameText::Needed | FrameText::Attribute(_) => Some((frame.pos, None)),
            FrameText::Owned(text) => {
                let what = text.strip_prefix("while evaluating ")?;
                let is_attribute = what.starts_with("attribute '") && !what.contains('\n');
                is_attribute.then(|| (frame.pos, Some(format!("the {what}"))))
            }
            _ => None,
        })
        .chain([(details.pos, None)])
        .filter(|(pos, _)| pos.is_some())
        .collect();
    places.dedup_by(|next, place| {
        let is_same = next.0 == place.0;
        if is_same && place.1.is_none() {
            place.1 = next.1.take();
        }
        is_same
    });
    places
}

/// The first step in the code of `owner`.
pub(super) fn own_step(sources: &Sources<'_>, details: &Details, owner: Owner) -> Option<Label> {
    let mut places = places(details).into_iter();
    // The way through derivations leads through the program's own wrapper.
    let is_own = |pos: Pos| sources.owners.of(pos) <= owner && !sources.ev.is_internal(pos);
    let (pos, _) = places.find(|(pos, _)| is_own(*pos))?;
    Some(Label {
        span: sources.span(pos, Part::Name)?,
        text: "this needs itself".to_owned(),
    })
}

/// The steps, from the value that needs itself back to it.
pub(super) fn steps(sources: &Sources<'_>, details: &Details) -> Vec<Step> {
    let places = places(details);
    // In the library only the way through it is of interest, unless there is nothing else. The program's own wrapper of
    // derivations is of no interest but to itself.
    let is_foreign = |pos: Pos| sources.owners.of(pos) < Owner::Library;
    let in_library = !places.iter().any(|(pos, _)| is_foreign(*pos));
    let in_wrapper = places.iter().all(|(pos, _)| sources.ev.is_internal(*pos));
    let is_shown = |pos: Pos| in_library || is_foreign(pos);
    let mut steps: Vec<Step> = vec![];
    let mut shown = 0;
    let is_seen = |pos: Pos| in_wrapper || !sources.ev.is_internal(pos);
    for (pos, what) in places.into_iter().filter(|(pos, _)| is_seen(*pos)) {
        match steps.last_mut() {
            _ if is_shown(pos) && shown < SHOWN => {
                shown += 1;
                let name = what.unwrap_or_else(|| name(sources, pos));
                steps.push(Step::Value { name, pos });
            }
            Some(Step::Folded(count)) => *count += 1,
            _ => steps.push(Step::Folded(1)),
        }
    }
    steps
}

/// What stands at a position: a variable or attribute, or how the expression starts.
fn name(sources: &Sources<'_>, pos: Pos) -> String {
    let Some(span) = sources.span(pos, Part::Name) else {
        return "a value".to_owned();
    };
    match kind(&span.source, &span) {
        Some(SyntaxKind::AttrName | SyntaxKind::StringLiteral) => format!("the attribute '{}'", span.text()),
        Some(SyntaxKind::Variable) => format!("'{}'", span.text()),
        Some(SyntaxKind::Formal) => {
            let name = span.text().split([' ', '?', '\n']).next().unwrap_or_default();
            format!("the argument '{name}'")
        }
        _ => "this expression".to_owned(),
    }
}

fn kind(source: &Source, span: &Span) -> Option<SyntaxKind> {
    Some(source.token(span.range.start)?.parent()?.kind())
}
