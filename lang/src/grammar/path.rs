//! Path literals.

use super::string::interpolation;
use crate::event::Sink;
use crate::kind::SyntaxKind::*;
use crate::parser::Parser;

/// A path with its interpolations. Two pieces of text never follow one another.
pub(super) fn path<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let mark = p.mark();
    let parts = p.sink.parts_start();
    let token = p.bump();
    p.sink.part_text(token);
    // Directly after the start, text must be followed by an interpolation.
    let mut first = true;
    loop {
        match p.kind() {
            PathText if first && p.nth(1) != DollarBrace => {
                p.bump();
                p.unexpected("an interpolation");
            }
            PathText => {
                let token = p.bump();
                p.sink.part_text(token);
            }
            DollarBrace => interpolation(p),
            _ => break,
        }
        first = false;
    }
    p.expect(PathEnd, None);
    p.sink.path(mark, parts)
}
