//! Strings and interpolations.

use super::expr::expression;
use crate::event::Sink;
use crate::kind::SyntaxKind::{self, *};
use crate::parser::Parser;

/// `"…"`
pub(super) fn string<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let mark = p.mark();
    let parts = parts(p);
    p.sink.string(mark, parts)
}

/// The parts of a `"…"` string, quotes included. Returns where they start on the sink's stack.
pub(super) fn parts<S: Sink>(p: &mut Parser<'_, S>) -> usize {
    quoted(p, StringText, Quote)
}

/// `''…''`
pub(super) fn indented<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let mark = p.mark();
    let parts = quoted(p, IndentedText, IndentedClose);
    p.sink.indented_string(mark, parts)
}

fn quoted<S: Sink>(p: &mut Parser<'_, S>, text: SyntaxKind, close: SyntaxKind) -> usize {
    let opened = p.bump();
    let parts = p.sink.parts_start();
    loop {
        let kind = p.kind();
        if kind == text || kind == IndentedEscape {
            let token = p.bump();
            p.sink.part_text(token);
        } else if kind == DollarBrace {
            interpolation(p);
        } else {
            break;
        }
    }
    p.expect(close, Some(opened));
    parts
}

/// `${ … }` in a string or path.
pub(super) fn interpolation<S: Sink>(p: &mut Parser<'_, S>) {
    let mark = p.mark();
    let depth = p.depth();
    if !p.descend() {
        return;
    }
    let opened = p.bump();
    let expr = expression(p);
    p.expect(RBrace, Some(opened));
    p.ascend(depth);
    p.sink.part_expr(mark, expr);
}
