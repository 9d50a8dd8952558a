//! Expressions: operators, application, selection and what can stand on its own.

use super::{binding, lambda, path, string};
use crate::event::{Mark, SetKind, Sink};
use crate::kind::SyntaxKind::{self, *};
use crate::parser::Parser;

/// Any expression (`expr_function` of the reference's grammar).
pub(super) fn expression<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let depth = p.depth();
    if !p.descend() {
        return p.sink.missing();
    }
    let height = p.start_height();
    let expr = match p.kind() {
        Ident if matches!(p.nth(1), Colon | At) => lambda::named(p),
        LBrace if lambda::at_formals(p) => lambda::pattern(p),
        Assert => assert(p),
        With => with(p),
        Let if p.nth(1) != LBrace => let_in(p),
        If => if_else(p),
        _ => pipes(p),
    };
    p.end_height(height);
    p.ascend(depth);
    expr
}

fn assert<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let mark = p.mark();
    p.bump();
    let condition = expression(p);
    p.expect(Semicolon, None);
    let body = expression(p);
    p.sink.assert(mark, condition, body)
}

fn with<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let mark = p.mark();
    p.bump();
    let namespace = expression(p);
    p.expect(Semicolon, None);
    let body = expression(p);
    p.sink.with(mark, namespace, body)
}

fn let_in<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let mark = p.mark();
    let keyword = p.bump();
    let start = p.sink.bindings_start();
    binding::bindings(p);
    let bindings = p.sink.bindings(start);
    p.expect(In, Some(keyword));
    let body = expression(p);
    let next = p.token().start;
    p.sink.let_in(mark, bindings, body, next)
}

fn if_else<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let mark = p.mark();
    let keyword = p.bump();
    let condition = expression(p);
    p.expect(Then, Some(keyword));
    let then_branch = expression(p);
    p.expect(Else, Some(keyword));
    let else_branch = expression(p);
    p.sink.if_else(mark, condition, then_branch, else_branch)
}

/// `a |> f |> g` or `f <| g <| a`; the two do not mix.
fn pipes<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let mark = p.mark();
    let mut left = operators(p, 0);
    if p.at(PipeFrom) {
        let operator = p.bump();
        let right_start = p.token().start;
        let right = pipe_from(p);
        return p.sink.binary(mark, operator, left, right, right_start);
    }
    while p.at(PipeInto) && p.grow() {
        let operator = p.bump();
        let right_start = p.token().start;
        let right = operators(p, 0);
        left = p.sink.binary(mark, operator, left, right, right_start);
    }
    left
}

/// What follows a `<|`.
fn pipe_from<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let depth = p.depth();
    if !p.descend() {
        return p.sink.missing();
    }
    let mark = p.mark();
    let mut left = operators(p, 0);
    if p.at(PipeFrom) {
        let operator = p.bump();
        let right_start = p.token().start;
        let right = pipe_from(p);
        left = p.sink.binary(mark, operator, left, right, right_start);
    }
    p.ascend(depth);
    left
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Assoc {
    Left,
    Right,
    None,
}

/// Strength of `!`.
const NOT: u8 = 7;
/// Strength of the prefix `-`.
const NEGATE: u8 = 12;

/// Strength and associativity of the binary operators, the strongest with the highest number.
#[inline(always)]
fn strength(kind: SyntaxKind) -> Option<(u8, Assoc)> {
    Some(match kind {
        Implies => (1, Assoc::Right),
        OrOr => (2, Assoc::Left),
        AndAnd => (3, Assoc::Left),
        Equal | NotEqual => (4, Assoc::None),
        Less | LessEqual | Greater | GreaterEqual => (5, Assoc::None),
        Update => (6, Assoc::Right),
        Plus | Minus => (8, Assoc::Left),
        Star | Slash => (9, Assoc::Left),
        PlusPlus => (10, Assoc::Right),
        Question => (11, Assoc::Left),
        _ => return None,
    })
}

/// Operators of at least strength `min` and their operands.
fn operators<S: Sink>(p: &mut Parser<'_, S>, min: u8) -> S::Expr {
    let mark = p.mark();
    let left = match p.kind() {
        Bang => prefix(p, mark, NOT + 1),
        Minus => prefix(p, mark, NEGATE + 1),
        _ => application(p),
    };
    match strength(p.kind()) {
        Some((found, _)) if found >= min => operator_chain(p, mark, left, min),
        _ => left,
    }
}

/// `!e` or `-e`
fn prefix<S: Sink>(p: &mut Parser<'_, S>, mark: Mark<S::Node>, min: u8) -> S::Expr {
    let depth = p.depth();
    if !p.descend() {
        return p.sink.missing();
    }
    let operator = p.bump();
    let operand = operators(p, min);
    p.ascend(depth);
    p.sink.unary(mark, operator, operand)
}

/// The operators that follow an operand.
fn operator_chain<S: Sink>(
    p: &mut Parser<'_, S>,
    mark: Mark<S::Node>,
    mut left: S::Expr,
    min: u8,
) -> S::Expr {
    let depth = p.depth();
    let mut closed = 0;
    while let Some((found, assoc)) = strength(p.kind()) {
        if found < min || !p.descend() || !p.grow() {
            break;
        }
        if found == closed {
            p.unexpected("parentheses: this operator cannot be chained");
            if !S::RECOVERS {
                break;
            }
        }
        let operator = p.bump();
        if operator.kind == Question {
            let names = attr_path(p);
            p.ascend(depth);
            left = p.sink.has_attr(mark, left, names);
            continue;
        }
        let right_start = p.token().start;
        let right = operators(p, if assoc == Assoc::Right { found } else { found + 1 });
        p.ascend(depth);
        left = p.sink.binary(mark, operator, left, right, right_start);
        closed = if assoc == Assoc::None { found } else { 0 };
    }
    left
}

/// `f x y`
fn application<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let mark = p.mark();
    let function = selection(p);
    if !p.kind().starts_operand() || S::RECOVERS && at_binding(p) {
        return function;
    }
    let items = p.sink.items_start();
    while p.kind().starts_operand() && !(S::RECOVERS && at_binding(p)) {
        let argument = selection(p);
        p.sink.item(argument);
        p.warn_or_call(argument);
    }
    p.sink.call(mark, function, items)
}

/// Whether a binding starts here, the semicolon before it missing.
fn at_binding<S: Sink>(p: &Parser<'_, S>) -> bool {
    let mut ahead = 0;
    while p.nth(ahead) == Ident {
        match p.nth(ahead + 1) {
            Assign => return true,
            Dot => ahead += 2,
            _ => break,
        }
    }
    false
}

/// `e`, `e.p`, `e.p or d`, `e or`
fn selection<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let mark = p.mark();
    let base = operand(p);
    match p.kind() {
        Dot => {
            p.bump();
            let depth = p.depth();
            let names = attr_path(p);
            p.ascend(depth);
            let mut default = None;
            if p.at(Or) {
                p.bump();
                default = Some(select_default(p));
            }
            p.sink.select(mark, base, names, default)
        }
        Or => {
            let or = p.bump();
            let expr = p.sink.or_call(mark, base, or);
            p.note_or_call();
            expr
        }
        _ => base,
    }
}

fn select_default<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let depth = p.depth();
    if !p.descend() {
        return p.sink.missing();
    }
    let default = selection(p);
    p.ascend(depth);
    p.warn_or_call(default);
    default
}

/// Names joined by dots. Returns the height of the sink's stack of names at which they start. Each name after the
/// first is one level deeper, as the sets are that a path makes; the caller ascends.
pub(super) fn attr_path<S: Sink>(p: &mut Parser<'_, S>) -> usize {
    let mark = p.mark();
    let names = p.sink.names_start();
    attr_name(p);
    while p.at(Dot) && p.descend() {
        p.bump();
        attr_name(p);
    }
    p.sink.close(mark, AttrPath);
    names
}

/// One name of an attribute path or an inherit clause.
pub(super) fn attr_name<S: Sink>(p: &mut Parser<'_, S>) {
    let mark = p.mark();
    match p.kind() {
        Ident | Or => {
            let token = p.bump();
            p.sink.name_token(mark, token);
        }
        Quote => {
            let parts = string::parts(p);
            p.sink.name_string(mark, parts);
        }
        DollarBrace => {
            let opened = p.bump();
            let expr = expression(p);
            p.expect(RBrace, Some(opened));
            p.sink.name_dynamic(mark, expr);
        }
        _ => p.unexpected("an attribute name"),
    }
}

/// What can be selected from and applied without parentheses (`expr_simple` of the reference's grammar).
fn operand<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    match p.kind() {
        Ident | Int | Float | Uri | SearchPath => {
            let mark = p.mark();
            let token = p.bump();
            p.sink.leaf(mark, token)
        }
        Quote => string::string(p),
        IndentedOpen => string::indented(p),
        Path | HomePath => path::path(p),
        LParen => paren(p),
        LBracket => list(p),
        LBrace => {
            let mark = p.mark();
            set(p, mark, SetKind::Plain)
        }
        Rec => {
            let mark = p.mark();
            p.bump();
            set(p, mark, SetKind::Recursive)
        }
        Let => {
            let mark = p.mark();
            p.bump();
            set(p, mark, SetKind::Legacy)
        }
        _ => missing_operand(p),
    }
}

#[cold]
fn missing_operand<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    p.unexpected("an expression");
    if S::RECOVERS {
        let mark = p.mark();
        if matches!(
            p.kind(),
            Unknown | Invalid | Colon | At | Ellipsis | Assign | Or | Question | Dot
        ) {
            p.bump();
        } else if matches!(p.kind(), If | With | Assert) {
            // Fine elsewhere: go on as if it stood in parentheses.
            let expr = expression(p);
            p.sink.close(mark, ErrorNode);
            return expr;
        }
        p.sink.close(mark, ErrorNode);
    }
    p.sink.missing()
}

fn paren<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let mark = p.mark();
    let opened = p.bump();
    let expr = expression(p);
    p.expect(RParen, Some(opened));
    p.sink.paren(mark, expr)
}

fn list<S: Sink>(p: &mut Parser<'_, S>) -> S::Expr {
    let mark = p.mark();
    let depth = p.depth();
    if !p.descend() {
        return p.sink.missing();
    }
    let height = p.start_height();
    let opened = p.bump();
    let items = p.sink.items_start();
    loop {
        if p.kind().starts_operand() {
            let item = selection(p);
            p.sink.item(item);
            p.warn_or_call(item);
        } else if S::RECOVERS && !ends_list(p.kind()) {
            p.unexpected("a list item");
            p.skip();
        } else {
            break;
        }
    }
    p.expect(RBracket, Some(opened));
    p.end_height(height);
    p.ascend(depth);
    p.sink.list(mark, items)
}

/// Whether a list, known to be broken, is over before this token.
fn ends_list(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        RBracket | RParen | RBrace | Semicolon | In | Then | Else | Eof
    )
}

/// The braces of a set and what is in them.
fn set<S: Sink>(p: &mut Parser<'_, S>, mark: Mark<S::Node>, kind: SetKind) -> S::Expr {
    let depth = p.depth();
    if !p.descend() {
        return p.sink.missing();
    }
    let opened = p.token();
    p.expect(LBrace, None);
    let start = p.sink.bindings_start();
    binding::bindings(p);
    let bindings = p.sink.bindings(start);
    p.expect(RBrace, Some(opened));
    p.ascend(depth);
    p.sink.set(mark, kind, bindings)
}
