//! Sources parsed again, to find the expressions that positions stand for. Only errors need them.

use super::library::{Owner, Owners};
use nivis_eval::evaluator::Evaluator;
use nivis_lang::kind::SyntaxKind;
use nivis_lang::position::Pos;
use nivis_lang::tree::{SyntaxNode, SyntaxToken, parse_tree};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

/// A source and its tree.
pub(super) struct Source {
    /// The file, or `«string»`.
    pub(super) name: String,
    /// The whole text.
    pub(super) text: String,
    /// The position of its first byte.
    pub(super) start: Pos,
    root: SyntaxNode,
    lines: Vec<usize>,
}

/// A part of a source.
#[derive(Clone)]
pub(super) struct Span {
    pub(super) source: Rc<Source>,
    /// Bytes of its text.
    pub(super) range: Range<usize>,
}

/// Which of the expressions that start at a position is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// The smallest: a variable or the name of an attribute.
    Name,
    /// A selection, `a.b.c`.
    Selection,
    /// The largest, such as a call with its arguments.
    Whole,
}

/// No more sources are kept: a tree takes fifty times the room of its text.
const MOST_KEPT: usize = 100;

/// The sources that were parsed so far, and whose they are. What was found out for one error serves the next, if nothing is
/// evaluated in between.
pub(crate) struct Sources<'e> {
    pub(super) ev: &'e Evaluator,
    pub(super) owners: Owners<'e>,
    read: RefCell<HashMap<Pos, Option<Rc<Source>>>>,
    /// The first positions of the user's own files.
    own: OnceCell<Vec<Pos>>,
}

impl<'e> Sources<'e> {
    pub(crate) fn new(ev: &'e Evaluator) -> Sources<'e> {
        Sources {
            ev,
            owners: Owners::new(ev),
            read: RefCell::default(),
            own: OnceCell::new(),
        }
    }

    /// The user's own files.
    pub(super) fn own(&self) -> impl Iterator<Item = Rc<Source>> {
        let own = self.own.get_or_init(|| {
            let sources = self.ev.sources().into_iter().map(|(pos, _)| pos);
            sources
                .filter(|&pos| self.owners.of(pos) == Owner::User)
                .collect()
        });
        own.iter().filter_map(|&pos| self.of(pos))
    }

    /// The source that a position is in, unless it cannot be read any more or is no UTF-8.
    pub(super) fn of(&self, pos: Pos) -> Option<Rc<Source>> {
        let start = Pos(pos.0 - self.ev.offset(pos)?);
        let known = self.read.borrow().get(&start).cloned();
        known.unwrap_or_else(|| {
            let source = self.read(start).map(Rc::new);
            let mut read = self.read.borrow_mut();
            if read.len() == MOST_KEPT {
                read.clear();
            }
            read.insert(start, source.clone());
            source
        })
    }

    fn read(&self, start: Pos) -> Option<Source> {
        let text = String::from_utf8(self.ev.source(start)?).ok()?;
        let position = self.ev.show_position(start);
        let pipes = self
            .ev
            .settings
            .features
            .iter()
            .any(|feature| feature == "pipe-operators");
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Some(Source {
            name: without_numbers(&position).to_owned(),
            root: parse_tree(text.as_bytes(), pipes).root(),
            start,
            lines: [0].into_iter().chain(ends).collect(),
            text,
        })
    }

    /// The expression that a position stands for.
    pub(super) fn span(&self, pos: Pos, part: Part) -> Option<Span> {
        let source = self.of(pos)?;
        let range = source.expression(self.ev.offset(pos)? as usize, part)?;
        Some(Span { source, range })
    }
}

/// `file:line:column` without the numbers.
pub(super) fn without_numbers(position: &str) -> &str {
    position.trim_end_matches(|c: char| c == ':' || c.is_ascii_digit())
}

/// The bytes of a node.
pub(super) fn range(node: &SyntaxNode) -> Range<usize> {
    let range = node.text_range();
    range.start().into()..range.end().into()
}

impl Span {
    /// Line and column, from 1, where it starts.
    pub(super) fn start(&self) -> (usize, usize) {
        self.source.place(self.range.start)
    }

    /// Line and column, from 1, behind its last byte.
    pub(super) fn end(&self) -> (usize, usize) {
        self.source.place(self.range.end)
    }

    /// Its text.
    pub(super) fn text(&self) -> &str {
        self.source.text.get(self.range.clone()).unwrap_or_default()
    }

    /// `file:line:column`
    pub(super) fn position(&self) -> String {
        let (line, column) = self.start();
        format!("{}:{line}:{column}", self.source.name)
    }
}

impl Source {
    /// All of its tree.
    pub(super) fn root(&self) -> &SyntaxNode {
        &self.root
    }

    /// The bytes of a line, from 1, without blanks around it.
    pub(super) fn line(&self, number: usize) -> Option<Range<usize>> {
        let start = *self.lines.get(number.checked_sub(1)?)?;
        let text = self.text[start..].lines().next()?;
        let start = start + text.len() - text.trim_start().len();
        Some(start..start + text.trim().len())
    }

    fn place(&self, offset: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|&start| start <= offset);
        (line, offset - self.lines[line - 1] + 1)
    }

    /// The token that starts at a byte.
    pub(super) fn token(&self, offset: usize) -> Option<SyntaxToken> {
        let offset = u32::try_from(offset).ok()?;
        if offset > self.root.text_range().end().into() {
            return None;
        }
        self.root.token_at_offset(offset.into()).right_biased()
    }

    /// The bytes of the expression that a position stands for: operators stand for the operation, other positions for
    /// what starts there.
    fn expression(&self, offset: usize, part: Part) -> Option<Range<usize>> {
        let token = self.token(offset)?;
        let parent = token.parent()?;
        let is_operator = matches!(parent.kind(), SyntaxKind::Binary | SyntaxKind::HasAttr);
        if is_operator && !token.kind().is_trivia() {
            return Some(range(&parent));
        }
        let starting: Vec<SyntaxNode> = parent
            .ancestors()
            .take_while(|node| range(node).start == offset)
            .filter(|node| node.kind() != SyntaxKind::Root)
            .take_while(|node| !matches!(node.kind(), SyntaxKind::Binary | SyntaxKind::HasAttr))
            .collect();
        let Some(smallest) = starting.first() else {
            return Some(offset..offset + token.text().len());
        };
        let chosen = match part {
            Part::Name => smallest,
            Part::Selection => starting
                .iter()
                .find(|node| node.kind() == SyntaxKind::Select)
                .unwrap_or(smallest),
            Part::Whole => starting.last().unwrap_or(smallest),
        };
        Some(match chosen.kind() {
            SyntaxKind::Lambda => head_of_lambda(chosen),
            // What is meant is the attribute, not all that it holds.
            SyntaxKind::Binding | SyntaxKind::AttrPath => range(smallest),
            _ => range(chosen),
        })
    }
}

/// A function's parameter with its colon.
fn head_of_lambda(lambda: &SyntaxNode) -> Range<usize> {
    let whole = range(lambda);
    let tokens = lambda.children_with_tokens();
    let colon = tokens.filter(|part| part.kind() == SyntaxKind::Colon).last();
    colon.map_or(whole.clone(), |colon| {
        whole.start..colon.text_range().end().into()
    })
}

/// The innermost node of a kind around a byte of a tree.
pub(super) fn around(source: &Source, offset: usize, kind: SyntaxKind) -> Option<SyntaxNode> {
    source
        .token(offset)?
        .parent()?
        .ancestors()
        .find(|node| node.kind() == kind)
}
