//! Bindings of sets and `let`.

use super::expr::{attr_name, attr_path, expression};
use crate::event::Sink;
use crate::kind::SyntaxKind::{self, *};
use crate::parser::Parser;

/// Whether a token of this kind starts a binding.
pub(super) fn starts_binding(kind: SyntaxKind) -> bool {
    matches!(kind, Ident | Or | Quote | DollarBrace | Inherit)
}

/// Any number of bindings.
pub(super) fn bindings<S: Sink>(p: &mut Parser<'_, S>) {
    loop {
        match p.kind() {
            Ident | Or | Quote | DollarBrace => binding(p),
            Inherit => inherit(p),
            RBrace | In | Eof => return,
            _ if !S::RECOVERS => return,
            RParen | RBracket | Then | Else => return,
            _ => {
                p.unexpected("a binding");
                p.skip();
            }
        }
    }
}

fn binding<S: Sink>(p: &mut Parser<'_, S>) {
    let mark = p.mark();
    let depth = p.depth();
    let names = attr_path(p);
    p.expect(Assign, None);
    let value = expression(p);
    p.ascend(depth);
    p.expect(Semicolon, None);
    let last = p.previous_start();
    p.sink.binding(mark, names, value, last);
}

fn inherit<S: Sink>(p: &mut Parser<'_, S>) {
    let mark = p.mark();
    p.bump();
    let mut from = None;
    if p.at(LParen) {
        let from_mark = p.mark();
        let opened = p.bump();
        from = Some(expression(p));
        p.expect(RParen, Some(opened));
        p.sink.close(from_mark, InheritFrom);
    }
    let names = p.sink.names_start();
    while matches!(p.kind(), Ident | Or | Quote | DollarBrace) {
        attr_name(p);
        let last = p.previous_start();
        p.sink.inherit_name(last);
    }
    p.expect(Semicolon, None);
    let last = p.previous_start();
    p.sink.inherit(mark, from, names, last);
}
