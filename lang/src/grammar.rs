//! The grammar of the language, one function per production, for every sink.

mod binding;
mod expr;
mod lambda;
mod path;
mod string;

use crate::event::Sink;
use crate::kind::SyntaxKind;
use crate::parser::Parser;

/// A whole source: one expression.
pub(crate) fn root<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let expr = expr::expression(p);
    end(p);
    expr
}

/// A whole source: bindings without braces, as the REPL takes them.
pub(crate) fn bindings_root<S: Sink>(p: &mut Parser<'_, S>) -> S::Bindings {
    if !binding::starts_binding(p.kind()) {
        p.unexpected("a binding");
    }
    let start = p.sink.bindings_start();
    binding::bindings(p);
    end(p);
    p.sink.bindings(start)
}

fn end<S: Sink>(p: &mut Parser<'_, S>) {
    while !p.at(SyntaxKind::Eof) {
        p.unexpected("the end of the file");
        if S::RECOVERS {
            p.skip();
        }
    }
}
