//! Functions and their parameters.

use super::expr::expression;
use crate::event::{Parameters, Sink};
use crate::kind::SyntaxKind::*;
use crate::parser::Parser;

/// Whether the `{` that comes next starts a pattern, not a set.
#[inline]
pub(super) fn at_formals<S: Sink>(p: &Parser<'_, S>) -> bool {
    match p.nth(1) {
        Ellipsis => true,
        RBrace => matches!(p.nth(2), Colon | At),
        Ident => matches!(p.nth(2), Comma | Question | RBrace),
        _ => false,
    }
}

/// `x: …` or `x@{ … }: …`
pub(super) fn named<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let mark = p.mark();
    let name = Some(p.bump());
    let formals = if p.eat(At) { Some(formals(p)) } else { None };
    p.expect(Colon, None);
    let body = expression(p);
    let next = p.token().start;
    p.sink.lambda(mark, Parameters { name, formals }, body, next)
}

/// `{ … }: …` or `{ … }@x: …`
pub(super) fn pattern<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let mark = p.mark();
    let formals = Some(formals(p));
    let mut name = None;
    if p.eat(At) {
        if p.at(Ident) {
            name = Some(p.bump());
        } else {
            p.unexpected("a name");
        }
    }
    p.expect(Colon, None);
    let body = expression(p);
    let next = p.token().start;
    p.sink.lambda(mark, Parameters { name, formals }, body, next)
}

/// `{ a, b ? c, ... }`. Returns where its formals start on the sink's stack, and whether there is an ellipsis.
fn formals<S: Sink>(p: &mut Parser<'_, S>) -> (usize, bool) {
    let mark = p.mark();
    let opened = p.token();
    p.expect(LBrace, None);
    let start = p.sink.formals_start();
    let mut ellipsis = false;
    loop {
        match p.kind() {
            Ident => formal(p),
            Ellipsis => {
                p.bump();
                ellipsis = true;
                break;
            }
            _ => break,
        }
        if !p.eat(Comma) {
            break;
        }
    }
    while S::RECOVERS && !matches!(p.kind(), RBrace | Colon | At | Semicolon | Eof) {
        p.unexpected("`,` or `}`");
        p.skip();
    }
    p.expect(RBrace, Some(opened));
    p.sink.close(mark, Formals);
    (start, ellipsis)
}

fn formal<S: Sink>(p: &mut Parser<'_, S>) {
    let mark = p.mark();
    let name = p.bump();
    let default = if p.eat(Question) {
        Some(expression(p))
    } else {
        None
    };
    p.sink.formal(mark, name, default);
}
